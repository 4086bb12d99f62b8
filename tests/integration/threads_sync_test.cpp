// Receipts and counts by thread, state at the end of timelines, and ignored users.
#include "sync_client.hpp"
#include "weft/storage/push_action_rotator.hpp"

using namespace weft;
using namespace weft::test;
namespace json = boost::json;

namespace {

constexpr auto kByThread = R"({"room": {"timeline": {"unread_thread_notifications": true}}})";

struct Threads {
    explicit Threads(HomeserverFixture& homeserver)
        : fixture{homeserver}, room{homeserver.create_room("alice")} {
        fixture.join("bob", room);
        root = fixture.say("alice", room, "root");
    }
    std::string answer(const std::string& body) {
        const json::object content{{"msgtype", "m.text"},
                                   {"body", body},
                                   {"m.relates_to", {{"rel_type", "m.thread"}, {"event_id", root}}}};
        return fixture
            .put("alice", fmt::format("/rooms/{}/send/m.room.message/th{}", room, body),
                 proto::to_json(content))
            .text("event_id");
    }
    /// A message that relates to another event.
    std::string relate(const std::string& body, const std::string& rel_type, const std::string& event) {
        const json::object content{{"msgtype", "m.text"},
                                   {"body", body},
                                   {"m.relates_to", {{"rel_type", rel_type}, {"event_id", event}}}};
        return fixture
            .put("alice", fmt::format("/rooms/{}/send/m.room.message/rel{}", room, body), proto::to_json(content))
            .text("event_id");
    }
    HomeserverFixture::Answer try_to_read(const std::string& event, const std::string& thread_id) {
        return fixture.post("bob", fmt::format("/rooms/{}/receipt/m.read/{}", room, event),
                            fmt::format(R"({{"thread_id": "{}"}})", thread_id));
    }
    void read(const std::string& event, const std::string& body) {
        const auto done = fixture.post("bob", fmt::format("/rooms/{}/receipt/m.read/{}", room, event), body);
        INFO(proto::to_json(done.body));
        REQUIRE(done.status == 200);
    }
    /// Main timeline and thread, as bob's next sync from the start counts them.
    std::pair<std::int64_t, std::int64_t> counts(TestProcess* process = nullptr) {
        SyncClient bob{fixture, "bob", kByThread};
        if (process) bob.move_to(*process);
        const auto answer = bob.sync();
        const auto* const main =
            part(answer, {"rooms", "join", room, "unread_notifications", "notification_count"});
        const auto* const thread =
            part(answer, {"rooms", "join", room, "unread_thread_notifications", root, "notification_count"});
        return {main->as_int64(), thread ? thread->as_int64() : 0};
    }

    HomeserverFixture& fixture;
    std::string room;
    std::string root;
};

}  // namespace

TEST_CASE("notifications are counted by thread, and receipts for a thread are about that alone",
          "[threads]") {
    HomeserverFixture fixture;
    Threads threads{fixture};
    threads.counts();
    const auto one = threads.answer("1");
    threads.answer("2");
    CHECK(threads.counts() == std::pair<std::int64_t, std::int64_t>{1, 2});
    SyncClient plain{fixture, "bob"};
    CHECK(part(plain.sync(), {"rooms", "join", threads.room, "unread_notifications", "notification_count"})
              ->as_int64() == 3);

    threads.read(one, fmt::format(R"({{"thread_id": "{}"}})", threads.root));
    CHECK(threads.counts() == std::pair<std::int64_t, std::int64_t>{1, 1});
    threads.read(threads.root, R"({"thread_id": "main"})");
    CHECK(threads.counts() == std::pair<std::int64_t, std::int64_t>{0, 1});
    const auto last = fixture.say("alice", threads.room, "last");
    threads.read(last, "{}");
    CHECK(threads.counts() == std::pair<std::int64_t, std::int64_t>{0, 0});
    // What was counted in memory is what the database says.
    fixture.restart_master();
    CHECK(threads.counts() == std::pair<std::int64_t, std::int64_t>{0, 0});
}

TEST_CASE("what relates to an event of a thread is in the thread, over three events", "[threads]") {
    HomeserverFixture fixture;
    Threads threads{fixture};
    threads.counts();
    const auto answer = threads.answer("1");
    const auto one = threads.relate("one", "m.reference", answer);
    const auto two = threads.relate("two", "m.reference", one);
    const auto three = threads.relate("three", "m.reference", two);
    CHECK(threads.counts() == std::pair<std::int64_t, std::int64_t>{1, 4});
    const auto four = threads.relate("four", "m.reference", three);
    // What relates to the root in another way is in the main timeline, as the root is.
    const auto of_root = threads.relate("of the root", "m.reference", threads.root);
    CHECK(threads.counts() == std::pair<std::int64_t, std::int64_t>{3, 4});
    fixture.restart_master();
    CHECK(threads.counts() == std::pair<std::int64_t, std::int64_t>{3, 4});

    const auto refused = [&](const std::string& event, const std::string& thread_id) {
        const auto done = threads.try_to_read(event, thread_id);
        return done.status == 400 && done.text("errcode") == "M_INVALID_PARAM";
    };
    for (const auto& event : {answer, one, two, three}) CHECK(refused(event, "main"));
    for (const auto& event : {four, of_root, threads.root}) CHECK(threads.try_to_read(event, "main").status == 200);
    CHECK(refused(four, threads.root));
    CHECK(refused(answer, of_root));
    CHECK(threads.try_to_read(threads.root, threads.root).status == 200);
    CHECK(threads.counts() == std::pair<std::int64_t, std::int64_t>{0, 4});
    threads.read(two, fmt::format(R"({{"thread_id": "{}"}})", threads.root));
    CHECK(threads.counts() == std::pair<std::int64_t, std::int64_t>{0, 1});
    fixture.restart_master();
    CHECK(threads.counts() == std::pair<std::int64_t, std::int64_t>{0, 1});
}

TEST_CASE("a relation to an event of another room leads into none of its threads", "[threads]") {
    HomeserverFixture fixture;
    Threads threads{fixture};
    Threads elsewhere{fixture};
    const auto answer = elsewhere.answer("there");
    threads.counts();
    threads.relate("here", "m.reference", answer);
    CHECK(threads.counts() == std::pair<std::int64_t, std::int64_t>{2, 0});
}

TEST_CASE("of two receipts of a user at one event, that for the whole room is told", "[threads]") {
    HomeserverFixture fixture;
    Threads threads{fixture};
    const auto one = threads.answer("1");
    SyncClient alice{fixture, "alice"};
    alice.sync();
    threads.read(one, fmt::format(R"({{"thread_id": "{}"}})", threads.root));
    threads.read(one, "{}");
    const auto in_thread = [&](const json::object& answer) {
        const auto ephemeral = events(answer, {"rooms", "join", threads.room, "ephemeral"});
        REQUIRE(ephemeral.size() == 1);
        const auto* const receipt =
            part(ephemeral.front().at("content").as_object(), {one, "m.read", "@bob:test"});
        REQUIRE(receipt);
        return receipt->as_object().contains("thread_id");
    };
    CHECK_FALSE(in_thread(alice.sync()));
    SyncClient later{fixture, "alice"};
    CHECK_FALSE(in_thread(later.sync()));
}

TEST_CASE("push actions that are a day old are rolled up, and unread counts stay what they were", "[threads]") {
    HomeserverFixture fixture;
    Threads threads{fixture};
    threads.answer("1");
    threads.answer("2");
    REQUIRE(threads.counts() == std::pair<std::int64_t, std::int64_t>{1, 2});
    fixture.sql("UPDATE events SET received_ts = received_ts - 25 * 3600 * 1000");
    const auto said = fixture.say("alice", threads.room, "today");

    const auto rotate = [&](std::int64_t rows_per_transaction) {
        storage::PushActionRotator::Options options;
        options.rows_per_transaction = rows_per_transaction;
        storage::PushActionRotator rotator{fixture.master->db, fixture.master->clock, options};
        return fixture.run(rotator.rotate());
    };
    CHECK(rotate(2) == 3);
    CHECK(rotate(2) == 0);
    CHECK(fixture.sql("SELECT event_id FROM event_push_actions WHERE user_id LIKE '@bob:%'") ==
          std::vector<std::vector<std::string>>{{said}});
    fixture.restart_master();
    CHECK(threads.counts() == std::pair<std::int64_t, std::int64_t>{2, 2});

    // More becomes old: it is added to what is there.
    threads.answer("3");
    fixture.sql("UPDATE events SET received_ts = received_ts - 25 * 3600 * 1000");
    CHECK(rotate(10'000) == 2);
    CHECK(fixture.sql("SELECT count(*) FROM event_push_summary")[0][0] == "2");
    fixture.restart_master();
    CHECK(threads.counts() == std::pair<std::int64_t, std::int64_t>{2, 3});
    threads.read(fixture.say("alice", threads.room, "last"), R"({"thread_id": "main"})");
    CHECK(threads.counts() == std::pair<std::int64_t, std::int64_t>{0, 3});
    threads.read(fixture.say("alice", threads.room, "the very last"), "{}");
    CHECK(threads.counts() == std::pair<std::int64_t, std::int64_t>{0, 0});
    CHECK(fixture.sql("SELECT count(*) FROM event_push_summary")[0][0] == "0");
}

TEST_CASE("receipts of a user for the room and for threads stand beside each other", "[threads]") {
    HomeserverFixture fixture;
    Threads threads{fixture};
    const auto one = threads.answer("1");
    SyncClient alice{fixture, "alice"};
    alice.sync();
    threads.read(threads.root, "{}");
    threads.read(one, fmt::format(R"({{"thread_id": "{}"}})", threads.root));

    const auto ephemeral = events(alice.sync(), {"rooms", "join", threads.room, "ephemeral"});
    REQUIRE(ephemeral.size() == 1);
    const auto& content = ephemeral.front().at("content").as_object();
    CHECK_FALSE(part(content, {threads.root, "m.read", "@bob:test"})->as_object().contains("thread_id"));
    CHECK(text_at(part(content, {one, "m.read", "@bob:test"})->as_object(), "thread_id") == threads.root);
    SyncClient later{fixture, "alice"};
    const auto all = events(later.sync(), {"rooms", "join", threads.room, "ephemeral"});
    CHECK(part(all.front().at("content").as_object(), {one, "m.read", "@bob:test"}) != nullptr);
    CHECK(part(all.front().at("content").as_object(), {threads.root, "m.read", "@bob:test"}) != nullptr);
}

TEST_CASE("state_after is the state at the end of the timeline", "[threads]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room("alice", R"({"preset": "public_chat", "topic": "old"})");
    SyncClient alice{fixture, "alice"};
    const auto first = alice.sync("use_state_after=true");
    CHECK(part(first, {"rooms", "join", room, "state"}) == nullptr);
    const auto state = told(events(first, {"rooms", "join", room, "state_after"}));
    for (const auto* const type : {"m.room.create", "m.room.topic", "alice join"}) CHECK(has(state, type));

    fixture.set_state("alice", room, "m.room.topic", R"({"topic": "new"})");
    fixture.say("alice", room, "hello");
    const auto next = alice.sync("use_state_after=true");
    CHECK(joined_timeline(next, room) == Strings{"m.room.topic", "hello"});
    CHECK(told(events(next, {"rooms", "join", room, "state_after"})) == Strings{"m.room.topic"});
    fixture.say("alice", room, "again");
    const auto quiet = alice.sync("use_state_after=true");
    CHECK(part(quiet, {"rooms", "join", room, "state_after"}) != nullptr);
    CHECK(events(quiet, {"rooms", "join", room, "state_after"}).empty());
}

TEST_CASE("what ignored users say is not shown where messages are read", "[threads]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room("alice");
    fixture.join("bob", room);
    const auto mine = fixture.say("alice", room, "mine");
    fixture.say("bob", room, "noise");
    REQUIRE(fixture
                .put("alice", "/user/@alice:test/account_data/m.ignored_user_list",
                     R"({"ignored_users": {"@bob:test": {}}})")
                .status == 200);

    const auto page = fixture.get("alice", fmt::format("/rooms/{}/messages?dir=b&limit=20", room));
    std::vector<json::object> list;
    for (const auto& event : page.body.at("chunk").as_array()) list.push_back(event.as_object());
    CHECK_FALSE(has(told(list), "noise"));
    CHECK(has(told(list), "bob join"));
    CHECK(fixture.get("alice", fmt::format("/rooms/{}/context/{}", room, mine))
              .body.at("events_after")
              .as_array()
              .empty());
}
