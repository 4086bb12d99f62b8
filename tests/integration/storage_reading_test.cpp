#include <catch2/catch.hpp>

#include <boost/json/serialize.hpp>

#include "postgres_fixture.hpp"
#include "weft/core/errors.hpp"
#include "weft/core/metrics.hpp"
#include "weft/proto/replication/rows.hpp"
#include "weft/storage/events_store.hpp"
#include "weft/storage/push_action_store.hpp"
#include "weft/storage/push_rule_store.hpp"
#include "weft/storage/receipt_store.hpp"

using namespace weft;
using storage::StreamRows;
using test::insert_event;
using test::StorageFixture;
using Strings = std::vector<std::string>;

namespace {

constexpr auto kRoom = "!r:test";

storage::Receipt receipt(const std::string& user, const std::string& event,
                         const std::string& type = "m.read") {
    return {kRoom, type, user, event, R"({"ts":5})"};
}

Strings texts(const storage::ReceiptList& list) {
    Strings out;
    for (const auto& entry : list) out.push_back(entry->user_id + " " + entry->type + " " + entry->event_id);
    std::sort(out.begin(), out.end());
    return out;
}

void insert_push_action(const StorageFixture& fixture, const std::string& user, std::int64_t ordering,
                        bool highlight) {
    fixture.sql(fmt::format(
        "INSERT INTO event_push_actions (room_id, event_id, user_id, actions, topological_ordering, "
        "stream_ordering, notif, highlight) VALUES ('{}', '$e{}', '{}', '', {}, {}, 1, {})",
        kRoom, ordering, user, ordering, ordering, highlight ? 1 : 0));
}

void insert_member(const StorageFixture& fixture, const std::string& user, std::int64_t joined_at) {
    const auto event = fmt::format("$join{}", joined_at);
    insert_event(fixture, {event, kRoom, joined_at, "m.room.member", user});
    fixture.sql(fmt::format("INSERT INTO local_current_membership VALUES ('{}', '{}', '{}', 'join')", kRoom,
                            user, event));
}

double transactions(const std::string& name) {
    return core::counter("weft_db_transactions_total", "", {{"name", name}}).value();
}

}  // namespace

TEST_CASE("a receipt moves forward and never back") {
    StorageFixture fixture;
    auto& stream = fixture.stream("receipts");
    storage::ReceiptStore receipts{fixture.context(), stream};
    for (const int n : {10, 11, 12}) insert_event(fixture, {fmt::format("$e{}", n), kRoom, n});

    CHECK(fixture.run(receipts.insert(receipt("@a:test", "$e11"))) == 2);
    CHECK_FALSE(fixture.run(receipts.insert(receipt("@a:test", "$e10"))).has_value());
    CHECK_FALSE(fixture.run(receipts.insert(receipt("@a:test", "$e11"))).has_value());
    CHECK(fixture.run(receipts.insert(receipt("@a:test", "$e12"))) == 5);

    CHECK(fixture.run(receipts.event_of("@a:test", kRoom, "m.read")) == "$e12");
    CHECK_FALSE(fixture.run(receipts.event_of("@a:test", kRoom, "m.read.private")).has_value());
    CHECK(fixture.sql("SELECT event_ids, data FROM receipts_graph") ==
          std::vector<Strings>{{R"(["$e12"])", R"({"ts":5})"}});
    CHECK(stream.current() == 5);
}

TEST_CASE("a receipt for an event that is not here is kept") {
    StorageFixture fixture;
    storage::ReceiptStore receipts{fixture.context(), fixture.stream("receipts")};
    insert_event(fixture, {"$e10", kRoom, 10});
    fixture.run(receipts.insert(receipt("@a:test", "$e10")));

    CHECK(fixture.run(receipts.insert(receipt("@a:test", "$unknown"))).has_value());
}

TEST_CASE("receipts of rooms are loaded once and follow the stream") {
    StorageFixture fixture;
    auto& stream = fixture.stream("receipts");
    storage::ReceiptStore receipts{fixture.context(), stream};
    fixture.run(receipts.insert(receipt("@a:test", "$e1")));
    fixture.run(receipts.insert(receipt("@b:test", "$e1", "m.read.private")));
    const auto before = transactions("receipts_of_rooms");

    auto lists = fixture.run(receipts.of_rooms({kRoom, "!empty:test", kRoom}));
    REQUIRE(lists.size() == 3);
    CHECK(texts(*lists[0]) == Strings{"@a:test m.read $e1", "@b:test m.read.private $e1"});
    CHECK(lists[1]->empty());
    CHECK(lists[2] == lists[0]);
    fixture.run(receipts.of_rooms({kRoom, "!empty:test"}));
    CHECK(transactions("receipts_of_rooms") == before + 1);

    fixture.run(receipts.insert(receipt("@a:test", "$e2")));
    CHECK(texts(*fixture.run(receipts.of_room(kRoom))) ==
          Strings{"@a:test m.read $e2", "@b:test m.read.private $e1"});
}

TEST_CASE("what changed lately is answered from memory, what changed long ago from the database") {
    StorageFixture fixture;
    fixture.sql("INSERT INTO receipts_linearized VALUES (7, '!r:test', 'm.read', '@old:test', '$e0', '{}')");
    auto& stream = fixture.stream("receipts");
    storage::ReceiptStore receipts{fixture.context(), stream};
    const auto before = transactions("receipts_changed");

    CHECK(fixture.run(receipts.changed({kRoom}, 7, 7)).empty());
    fixture.run(receipts.insert(receipt("@a:test", "$e1")));
    fixture.run(receipts.insert(receipt("@b:test", "$e1")));
    fixture.run(receipts.insert(receipt("@a:test", "$e2")));

    CHECK(texts(fixture.run(receipts.changed({kRoom, "!other:test"}, 7, 10))) ==
          Strings{"@a:test m.read $e2", "@b:test m.read $e1"});
    CHECK(texts(fixture.run(receipts.changed({kRoom}, 9, 10))) == Strings{"@a:test m.read $e2"});
    CHECK(fixture.run(receipts.changed({kRoom}, 10, 10)).empty());
    CHECK(transactions("receipts_changed") == before);

    CHECK(texts(fixture.run(receipts.changed({kRoom}, 6, 10))).size() == 3);
    CHECK(transactions("receipts_changed") == before + 1);
}

TEST_CASE("receipts are caught up in the form in which they were announced") {
    StorageFixture fixture;
    auto& stream = fixture.stream("receipts");
    storage::ReceiptStore receipts{fixture.context(), stream};
    Strings announced;
    stream.set_publisher([&](std::int64_t, const StreamRows& rows) {
        for (const auto& row : rows) announced.push_back(boost::json::serialize(row));
    });
    fixture.run(receipts.insert(receipt("@a:test", "$e1")));
    fixture.run(receipts.insert(receipt("@b:test", "$e1")));

    const auto first = fixture.run(receipts.updates(1, 3, 1));
    CHECK(first.limited);
    const auto second = fixture.run(receipts.updates(first.upto, 3, 1));
    CHECK_FALSE(second.limited);

    CHECK(announced == Strings{boost::json::serialize(first.rows.at(0).second),
                               boost::json::serialize(second.rows.at(0).second)});
    CHECK(announced[0] == R"(["!r:test","m.read","@a:test","$e1",{"ts":5}])");
}

TEST_CASE("reading clears the user's push actions up to the event, but for highlights") {
    StorageFixture fixture;
    storage::ReceiptStore receipts{fixture.context(), fixture.stream("receipts")};
    for (const int n : {10, 11, 12}) {
        insert_event(fixture, {fmt::format("$e{}", n), kRoom, n});
        insert_push_action(fixture, "@a:test", n, n == 10);
        insert_push_action(fixture, "@b:test", n, false);
    }
    fixture.sql(
        "INSERT INTO event_push_summary VALUES ('@a:test', '!r:test', 4, 9), ('@b:test', '!r:test', 4, 9)");

    fixture.run(receipts.insert(receipt("@a:test", "$e11", GENERATE("m.read", "m.read.private"))));

    CHECK(
        fixture.sql("SELECT stream_ordering FROM event_push_actions WHERE user_id = '@a:test' ORDER BY 1") ==
        std::vector<Strings>{{"10"}, {"12"}});
    CHECK(fixture.sql("SELECT count(*) FROM event_push_actions WHERE user_id = '@b:test'").front().front() ==
          "3");
    CHECK(fixture.sql("SELECT user_id FROM event_push_summary") == std::vector<Strings>{{"@b:test"}});
}

TEST_CASE("unread counts of all members come in one query: since the receipt, or since the join") {
    StorageFixture fixture;
    auto& events = fixture.stream("events");
    auto& stream = fixture.stream("receipts");
    storage::ReceiptStore receipts{fixture.context(), stream};
    storage::EventsStore event_store{fixture.db, events, fixture.stream("backfill"), 100, fixture.io.get_executor()};
    storage::PushActionStore unread{fixture.context(), events, stream, event_store};
    insert_member(fixture, "@a:test", 5);
    insert_member(fixture, "@b:test", 6);
    insert_member(fixture, "@c:test", 11);
    for (const int n : {10, 12, 13}) {
        insert_event(fixture, {fmt::format("$e{}", n), kRoom, n});
        for (const auto* user : {"@a:test", "@b:test", "@c:test", "@gone:test"}) {
            insert_push_action(fixture, user, n, n == 13);
        }
    }
    fixture.run(receipts.insert(receipt("@a:test", "$e12")));
    const auto before = transactions("room_unread_counts");

    const auto counts = fixture.run(unread.room_unread(kRoom));
    CHECK(*counts == storage::RoomUnread{{"@a:test", {1, 1}}, {"@b:test", {3, 1}}, {"@c:test", {2, 1}}});
    CHECK(fixture.run(unread.unread(kRoom, "@b:test")) == storage::UnreadCounts{3, 1});
    CHECK(fixture.run(unread.unread(kRoom, "@nobody:test")) == storage::UnreadCounts{});
    CHECK(transactions("room_unread_counts") == before + 1);

    fixture.run(receipts.insert(receipt("@b:test", "$e13", "m.read.private")));
    CHECK(fixture.run(unread.unread(kRoom, "@b:test")) == storage::UnreadCounts{});
}

TEST_CASE("rolled-up counts are added, and a new event makes the counts stale") {
    StorageFixture fixture;
    auto& events = fixture.stream("events", "persister1");
    storage::EventsStore event_store{fixture.db, events, fixture.stream("backfill"), 100, fixture.io.get_executor()};
    storage::PushActionStore unread{fixture.context(), events, fixture.stream("receipts"), event_store};
    insert_member(fixture, "@a:test", 5);
    fixture.sql("INSERT INTO event_push_summary VALUES ('@a:test', '!r:test', 4, 9)");
    CHECK(fixture.run(unread.unread(kRoom, "@a:test")) == storage::UnreadCounts{4, 0});

    insert_event(fixture, {"$e10", kRoom, 10});
    insert_push_action(fixture, "@a:test", 10, false);
    proto::replication::EventsEventRow row;
    row.event_id = "$e10";
    row.room_id = kRoom;
    row.type = "m.room.message";
    events.apply("persister1", 10, {row.to_json()});

    CHECK(fixture.run(unread.unread(kRoom, "@a:test")) == storage::UnreadCounts{5, 0});
}

TEST_CASE("unread counts follow the rows of events whose notifications are known, without a query") {
    StorageFixture fixture;
    auto& events = fixture.stream("events", "persister1");
    auto& stream = fixture.stream("receipts", "persister1");
    storage::EventsStore event_store{fixture.db, events, fixture.stream("backfill"), 100, fixture.io.get_executor()};
    storage::PushActionStore unread{fixture.context(), events, stream, event_store};
    insert_member(fixture, "@a:test", 5);
    insert_member(fixture, "@b:test", 6);
    // The process is behind the database: one of the events that are to come is counted already.
    insert_event(fixture, {"$e10", kRoom, 10});
    insert_push_action(fixture, "@a:test", 10, false);
    const auto counts = [&] { return *fixture.run(unread.room_unread(kRoom)); };
    const auto tell = [&](int ordering, const std::string& type, std::vector<storage::PushMark> marks) {
        const auto id = fmt::format("$e{}", ordering);
        proto::EventMetadata metadata;
        metadata.stream_ordering = ordering;
        const auto json = fmt::format(R"({{"type":"{}","sender":"@c:test","room_id":"{}","content":{{}}}})", type, kRoom);
        const auto event = proto::Event::from_database(proto::EventId::trusted(id), json, "{}", proto::RoomVersion::get("11")).value();
        event_store.put(std::make_shared<storage::StoredEvent>(storage::StoredEvent{event->with_metadata(metadata), nullptr}));
        event_store.put_push_marks(event->event_id(), std::move(marks));
        proto::replication::EventsEventRow row;
        row.event_id = id;
        row.room_id = kRoom;
        row.type = type;
        events.apply("persister1", ordering, {row.to_json()});
    };
    const auto read = [&](std::int64_t token, const std::string& user, const std::string& event) {
        stream.apply("persister1", token, {proto::replication::ReceiptsRow{kRoom, "m.read", user, event, {}}.to_json()});
    };
    CHECK(counts() == storage::RoomUnread{{"@a:test", {1, 0}}});
    const auto before = transactions("room_unread_counts");

    tell(10, "m.room.message", {{"@a:test", false}});
    CHECK(counts() == storage::RoomUnread{{"@a:test", {1, 0}}});
    tell(11, "m.room.message", {{"@a:test", true}, {"@b:test", false}});
    tell(12, "m.room.message", {{"@b:test", false}});
    tell(13, "m.reaction", {});
    CHECK(counts() == storage::RoomUnread{{"@a:test", {2, 1}}, {"@b:test", {2, 0}}});
    read(2, "@a:test", "$e11");
    read(3, "@elsewhere:remote", "$e11");
    CHECK(counts() == storage::RoomUnread{{"@b:test", {2, 0}}});
    read(4, "@b:test", "$e13");
    CHECK(counts().empty());
    tell(14, "m.room.message", {{"@a:test", false}});
    CHECK(counts() == storage::RoomUnread{{"@a:test", {1, 0}}});
    CHECK(transactions("room_unread_counts") == before);

    SECTION("a receipt between two notifications reads the room again") {
        tell(15, "m.room.message", {{"@a:test", false}});
        read(5, "@a:test", "$e14");
    }
    SECTION("so does a receipt for an event that has not come yet") { read(5, "@b:test", "$e99"); }
    SECTION("and a change of members") { tell(15, "m.room.member", {}); }
    counts();
    CHECK(transactions("room_unread_counts") == before + 1);
}

TEST_CASE("push rules stand where they are put") {
    StorageFixture fixture;
    auto& stream = fixture.stream("push_rules");
    storage::PushRuleStore rules{fixture.context(), stream, fixture.stream("account_data"),
                                 fixture.stream("events")};
    const auto order = [&] {
        Strings out;
        for (const auto& rule : fixture.run(rules.get("@a:test"))->rules) out.push_back(rule.rule_id);
        return out;
    };
    const auto add = [&](const std::string& id, std::optional<std::string> before = {},
                         std::optional<std::string> after = {}) {
        return fixture.run(
            rules.add("@a:test", {"global/content/" + id, 4, "[]", R"(["notify"])", before, after}));
    };
    CHECK(order().empty());

    CHECK(add("one") == 2);
    CHECK(add("two") == 3);
    CHECK(order() == Strings{"global/content/two", "global/content/one"});
    add("three", "global/content/one");
    CHECK(order() == Strings{"global/content/two", "global/content/three", "global/content/one"});
    add("four", std::nullopt, "global/content/two");
    CHECK(order() ==
          Strings{"global/content/two", "global/content/four", "global/content/three", "global/content/one"});
    add("one", "global/content/two");
    CHECK(order() ==
          Strings{"global/content/one", "global/content/two", "global/content/four", "global/content/three"});
    add("four");  // a rule that is there keeps its place
    CHECK(order() ==
          Strings{"global/content/one", "global/content/two", "global/content/four", "global/content/three"});
    CHECK_THROWS_AS(add("five", "global/content/nowhere"), core::MatrixError);
    CHECK(fixture.sql("SELECT count(*) FROM push_rules_stream WHERE op = 'ADD'").front().front() == "6");
}

TEST_CASE("push rules are switched, changed and removed; the log is ordered against events") {
    StorageFixture fixture;
    fixture.sql("INSERT INTO ex_outlier_stream VALUES (33, '$e', 1)");
    auto& stream = fixture.stream("push_rules");
    storage::PushRuleStore rules{fixture.context(), stream, fixture.stream("account_data"),
                                 fixture.stream("events")};
    Strings announced;
    stream.set_publisher([&](std::int64_t token, const StreamRows& rows) {
        for (const auto& row : rows) announced.push_back(std::to_string(token) + boost::json::serialize(row));
    });
    fixture.run(rules.add("@a:test", {"global/room/!r:test", 3, "[]", "[]", std::nullopt, std::nullopt}));

    fixture.run(rules.set_enabled("@a:test", "global/override/.m.rule.master", true));
    fixture.run(rules.set_actions("@a:test", "global/room/!r:test", R"(["notify"])", false));
    fixture.run(rules.set_actions("@a:test", "global/underride/.m.rule.message", "[]", true));
    CHECK_THROWS_AS(fixture.run(rules.set_actions("@a:test", "global/room/none", "[]", false)),
                    core::MatrixError);

    auto mine = fixture.run(rules.get("@a:test"));
    REQUIRE(mine->rules.size() == 2);
    CHECK(mine->rules[0].actions == R"(["notify"])");
    CHECK(mine->rules[1].priority_class == -1);
    CHECK(mine->enabled == std::map<std::string, bool>{{"global/override/.m.rule.master", true}});

    CHECK(fixture.run(rules.remove("@a:test", "global/room/!r:test")).has_value());
    CHECK_FALSE(fixture.run(rules.remove("@a:test", "global/room/!r:test")).has_value());
    CHECK(fixture.run(rules.get("@a:test"))->rules.size() == 1);
    CHECK(announced == Strings{R"(2["@a:test"])", R"(3["@a:test"])", R"(4["@a:test"])", R"(5["@a:test"])",
                               R"(7["@a:test"])"});
    CHECK(fixture.sql("SELECT stream_id, event_stream_ordering, op FROM push_rules_stream ORDER BY 1") ==
          std::vector<Strings>{{"2", "33", "ADD"},
                               {"3", "33", "ENABLE"},
                               {"4", "33", "ACTIONS"},
                               {"5", "33", "ACTIONS"},
                               {"7", "33", "DELETE"}});
    CHECK(fixture.run(rules.updates(1, 7, 2)).upto == 3);
    CHECK(stream.changes().has_changed("@a:test", 5));
}

TEST_CASE("push rules of many users come in one query, then from memory") {
    StorageFixture fixture;
    storage::PushRuleStore rules{fixture.context(), fixture.stream("push_rules"),
                                 fixture.stream("account_data"), fixture.stream("events")};
    fixture.run(rules.set_enabled("@b:test", "global/override/.m.rule.master", true));
    const auto before = transactions("get_push_rules");

    const auto first = fixture.run(rules.get_many({"@a:test", "@b:test"}));
    const auto second = fixture.run(rules.get_many({"@b:test", "@a:test"}));

    CHECK(transactions("get_push_rules") == before + 1);
    CHECK(first[0]->enabled.empty());
    CHECK(first[1]->enabled.size() == 1);
    CHECK(second[0] == first[1]);
}
