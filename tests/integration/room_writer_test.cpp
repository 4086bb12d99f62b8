// Rooms as they are stored: what each table holds, whatever happens on the way.
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <catch2/catch.hpp>

#include "homeserver_fixture.hpp"

using namespace weft;
using namespace weft::test;
namespace json = boost::json;
using Strings = std::vector<std::string>;
using Table = std::vector<Strings>;

namespace {

const proto::UserId kAlice = proto::UserId::trusted("@alice:test");

handlers::SendRequest message(const std::string& room_id, const std::string& text, const std::string& txn_id = {},
                              const proto::UserId& sender = kAlice) {
    handlers::SendRequest request{proto::EventDraft{.room_id = proto::RoomId::trusted(room_id),
                                                    .sender = sender,
                                                    .type = "m.room.message",
                                                    .state_key = std::nullopt,
                                                    .content = {{"body", text}},
                                                    .redacts = std::nullopt}};
    if (!txn_id.empty()) request.txn_id = txn_id;
    request.device_id = "DEVICE";
    request.ratelimit = false;
    return request;
}
handlers::SendRequest topic(const std::string& room_id, const std::string& text, const proto::UserId& sender = kAlice) {
    auto request = message(room_id, "", "", sender);
    request.draft.type = "m.room.topic";
    request.draft.state_key = "";
    request.draft.content = {{"topic", text}};
    return request;
}

/// A room of Alice's, and a look into the tables.
struct Room {
    explicit Room(const std::string& body = R"({"preset": "public_chat"})") : id{fixture.create_room("alice", body)} {}

    handlers::RoomWriter& writer() { return *fixture.master->services.room_writer; }
    std::vector<handlers::SendResult> send(std::vector<handlers::SendRequest> requests) { return fixture.run(writer().send_all(std::move(requests))); }
    std::string send_one(handlers::SendRequest request) { return send({std::move(request)}).front().event_id.str(); }
    Table sql(const std::string& query) const { return fixture.sql(query); }
    std::string one(const std::string& query) const { return fixture.sql(query).at(0).at(0); }
    std::string count(const std::string& table, const std::string& where = "true") const {
        return one(fmt::format("SELECT count(*) FROM {} WHERE room_id = '{}' AND {}", table, id, where));
    }
    Strings leaves() const {
        Strings out;
        for (const auto& row : sql(fmt::format("SELECT event_id FROM event_forward_extremities WHERE room_id = '{}' ORDER BY 1", id))) {
            out.push_back(row.front());
        }
        return out;
    }
    /// The room's current state by its tables: type, state key, event.
    Table current_state() const {
        return sql(fmt::format("SELECT type, state_key, event_id FROM current_state_events WHERE room_id = '{}' ORDER BY 1, 2", id));
    }
    /// The same by the state group of the newest event.
    Table newest_state() {
        const auto state = fixture.run(fixture.master->stores.states.state_after(proto::EventId::trusted(leaves().front())));
        Table out;
        for (const auto& [key, event_id] : *state) out.push_back({key.type(), key.state_key(), event_id.str()});
        std::sort(out.begin(), out.end());
        return out;
    }

    HomeserverFixture fixture;
    std::string id;
};

/// Sends that are under way at the same time.
Task<std::vector<std::string>> send_together(handlers::RoomWriter& writer, std::vector<handlers::SendRequest> requests,
                                             core::BackgroundTasks& tasks) {
    std::vector<std::string> out(requests.size());
    std::size_t open = requests.size();
    for (std::size_t i = 0; i < requests.size(); ++i) {
        tasks.spawn("test_send", [&writer, &out, &open, i, request = requests[i]]() -> Task<void> {
            try {
                std::vector<handlers::SendRequest> one;
                one.push_back(request);
                out[i] = (co_await writer.send_all(std::move(one))).front().event_id.str();
            } catch (const core::MatrixError& error) {
                out[i] = error.errcode;
            }
            --open;
        });
    }
    while (open > 0) co_await core::sleep_for(core::Milliseconds{2});
    co_return out;
}

std::vector<std::string> send_together(Room& room, std::vector<handlers::SendRequest> requests) {
    core::BackgroundTasks tasks{room.fixture.io.get_executor()};
    auto ids = room.fixture.run(send_together(room.writer(), std::move(requests), tasks));
    room.fixture.run(tasks.drain(1'000));
    return ids;
}

}  // namespace

TEST_CASE("rooms of each version are stored with all that belongs to them", "[room_writer]") {
    const auto version = GENERATE(as<std::string>{}, "6", "10", "11", "12");
    Room room{fmt::format(R"({{"preset": "public_chat", "room_version": "{}", "name": "Club"}})", version)};

    CHECK(room.sql(fmt::format("SELECT room_version, creator, is_public FROM rooms WHERE room_id = '{}'", room.id)) ==
          Table{{version, "@alice:test", "f"}});
    CHECK(room.id.find(':') == (version == "12" ? std::string::npos : room.id.size() - 5));
    CHECK(room.count("events") == room.count("event_json"));
    CHECK(room.count("events", "depth = 1 AND type = 'm.room.create'") == "1");
    CHECK(room.one(fmt::format("SELECT min_depth FROM room_depth WHERE room_id = '{}'", room.id)) == "1");
    CHECK(room.count("state_events") == room.count("current_state_events"));
    CHECK(room.leaves().size() == 1);
    CHECK(room.current_state() == room.newest_state());
    CHECK(room.sql("SELECT user_id, membership FROM local_current_membership") == Table{{"@alice:test", "join"}});
    CHECK(room.sql("SELECT user_id, sender, membership, forgotten FROM room_memberships") == Table{{"@alice:test", "@alice:test", "join", "0"}});
    CHECK(room.sql("SELECT membership FROM current_state_events WHERE type = 'm.room.member'") == Table{{"join"}});
    // Each event but the first names the one before it; each has a state group of its own or of its predecessor.
    CHECK(room.sql("SELECT count(*) FROM events e WHERE NOT EXISTS (SELECT 1 FROM event_edges d WHERE d.event_id = e.event_id)") == Table{{"1"}});
    CHECK(room.sql("SELECT count(*) FROM events e WHERE NOT EXISTS (SELECT 1 FROM event_to_state_groups g WHERE g.event_id = e.event_id)") ==
          Table{{"0"}});
    CHECK(room.sql("SELECT count(*) FROM state_events s WHERE s.type <> 'm.room.create' AND NOT EXISTS "
                   "(SELECT 1 FROM event_auth a WHERE a.event_id = s.event_id)") ==
          Table{{version == "12" ? "1" : "0"}});  // from version 12 on nobody names the create event
}

TEST_CASE("a message is one statement and leaves the state alone", "[room_writer]") {
    Room room;
    room.send_one(message(room.id, "warm up"));
    const auto groups = room.count("state_groups");
    const auto before = HomeserverFixture::transactions();

    const auto id = room.send_one(message(room.id, "hello"));

    CHECK(HomeserverFixture::transactions() - before == 1);
    CHECK(room.count("state_groups") == groups);
    CHECK(room.leaves() == Strings{id});
    CHECK(room.current_state() == room.newest_state());
}

TEST_CASE("requests of one call are stored in order, all or none", "[room_writer]") {
    Room room;
    const auto before = room.count("events");
    const auto leaves = room.leaves();

    CHECK_THROWS_AS(room.send({topic(room.id, "one"), message(room.id, "two"), topic(room.id, "three", proto::UserId::trusted("@eve:test"))}),
                    core::MatrixError);
    CHECK(room.count("events") == before);
    CHECK(room.leaves() == leaves);

    const auto results = room.send({topic(room.id, "one"), message(room.id, "two"), topic(room.id, "three")});
    REQUIRE(results.size() == 3);
    CHECK(results[0].stream_ordering < results[1].stream_ordering);
    CHECK(room.leaves() == Strings{results[2].event_id.str()});
    CHECK(room.current_state() == room.newest_state());
    // One change of the topic's place in the room's state, not two.
    CHECK(room.sql("SELECT event_id FROM current_state_delta_stream WHERE type = 'm.room.topic'") == Table{{results[2].event_id.str()}});
}

TEST_CASE("what waits is stored together, and one refusal harms nobody else", "[room_writer]") {
    Room room;
    const auto eve = proto::UserId::trusted("@eve:test");
    std::vector<handlers::SendRequest> requests;
    for (int n = 0; n < 30; ++n) requests.push_back(n % 10 == 5 ? message(room.id, "let me in", "", eve) : message(room.id, std::to_string(n)));
    const auto before = HomeserverFixture::transactions("persist_events");

    const auto ids = send_together(room, std::move(requests));

    for (int n = 0; n < 30; ++n) CHECK((ids[n] == "M_FORBIDDEN") == (n % 10 == 5));
    CHECK(HomeserverFixture::transactions("persist_events") - before <= 3);
    CHECK(room.count("events", "type = 'm.room.message'") == "27");
    CHECK(room.count("events", "sender = '@eve:test'") == "0");
    CHECK(room.one("SELECT count(*) FROM (SELECT prev_event_id FROM event_edges GROUP BY 1 HAVING count(*) > 1) AS forks") == "0");
}

TEST_CASE("a transaction ID makes one event, however often and wherever it is used", "[room_writer]") {
    Room room;

    const auto first = room.send_one(message(room.id, "hello", "t1"));
    CHECK(room.send_one(message(room.id, "hello", "t1")) == first);
    CHECK(room.send({message(room.id, "hello", "t1")}).front().duplicate);
    const auto together = send_together(room, {message(room.id, "x", "t2"), message(room.id, "x", "t2"), message(room.id, "y"),
                                               message(room.id, "x", "t1"), message(room.id, "x", "t2"), message(room.id, "z", "t3")});
    CHECK(together[0] == together[1]);
    CHECK(together[0] == together[4]);
    CHECK(together[3] == first);
    CHECK(std::set<std::string>(together.begin(), together.end()).size() == 4);
    room.fixture.restart_master();
    CHECK(room.send_one(message(room.id, "hello", "t1")) == first);

    CHECK(room.count("events", "type = 'm.room.message'") == "4");
    CHECK(room.count("event_txn_id") == "3");
    CHECK(room.leaves().size() == 1);
}

TEST_CASE("a repeated request is answered although its sender may not send any more", "[room_writer]") {
    Room room;
    const auto bob = proto::UserId::trusted("@bob:test");
    room.fixture.join("bob", room.id);
    const auto first = room.send_one(message(room.id, "bye", "t1", bob));
    room.fixture.change("bob", room.id, "leave");

    CHECK(room.send_one(message(room.id, "bye", "t1", bob)) == first);
    CHECK_THROWS_AS(room.send_one(message(room.id, "really", "t2", bob)), core::MatrixError);
}

TEST_CASE("what is refused leaves nothing behind", "[room_writer]") {
    Room room;
    const auto eve = proto::UserId::trusted("@eve:test");
    const auto events = room.one("SELECT count(*), max(stream_ordering) FROM events");
    const auto groups = room.count("state_groups");

    CHECK_THROWS_AS(room.send_one(message(room.id, "x", "t1", eve)), core::MatrixError);
    CHECK_THROWS_AS(room.send_one(topic(room.id, "x", eve)), core::MatrixError);
    CHECK_THROWS_AS(room.send_one(message("!nowhere:test", "x")), core::MatrixError);

    CHECK(room.one("SELECT count(*), max(stream_ordering) FROM events") == events);
    CHECK(room.count("state_groups") == groups);
    CHECK(room.count("event_txn_id") == "0");
    CHECK(room.current_state() == room.newest_state());
}

TEST_CASE("state that is so already stays the event it is", "[room_writer]") {
    Room room;
    const auto first = room.send({topic(room.id, "one")}).front();
    const auto again = room.send({topic(room.id, "one")}).front();
    auto forced = topic(room.id, "one");
    forced.deduplicate_state = false;

    CHECK(again.event_id == first.event_id);
    CHECK(again.duplicate);
    CHECK(room.send_one(std::move(forced)) != first.event_id.str());
}

TEST_CASE("state groups are differences along a chain of bounded length, also over restarts", "[room_writer]") {
    Room room;
    for (int start = 0; start < 4; ++start) {
        std::vector<handlers::SendRequest> requests;
        for (int n = 0; n < 40; ++n) requests.push_back(topic(room.id, fmt::format("{} {}", start, n)));
        room.send(std::move(requests));
        room.fixture.restart_master();
    }

    const auto longest = room.one(
        "WITH RECURSIVE chain(g, n) AS (SELECT id, 0 FROM state_groups UNION ALL SELECT e.prev_state_group, n + 1 FROM chain "
        "JOIN state_group_edges e ON e.state_group = g) SELECT max(n) FROM chain");
    CHECK(std::stoi(longest) <= 100);
    CHECK(std::stoi(longest) >= 40);
    CHECK(room.current_state() == room.newest_state());
}

TEST_CASE("push actions are stored for those whom an event notifies", "[room_writer]") {
    Room room;
    for (const auto* user : {"bob", "carol"}) room.fixture.join(user, room.id);
    room.fixture.put("carol", "/pushrules/global/override/.m.rule.master/enabled", R"({"enabled": true})");
    const auto before = room.count("event_push_actions");

    const auto plain = room.send_one(message(room.id, "hello all"));
    auto mention = message(room.id, "hello bob");
    mention.draft.content["m.mentions"] = {{"user_ids", {"@bob:test"}}};
    const auto named = room.send_one(std::move(mention));

    CHECK(before == "0");
    CHECK(room.sql("SELECT event_id, user_id, notif, highlight FROM event_push_actions ORDER BY stream_ordering, user_id") ==
          Table{{plain, "@bob:test", "1", "0"}, {named, "@bob:test", "1", "1"}});
}

TEST_CASE("an invite notifies who is invited", "[room_writer]") {
    Room room{R"({"preset": "private_chat"})"};
    room.fixture.change("alice", room.id, "invite", "bob");

    CHECK(room.sql("SELECT user_id, notif FROM event_push_actions") == Table{{"@bob:test", "1"}});
    CHECK(room.sql("SELECT membership FROM local_current_membership WHERE user_id = '@bob:test'") == Table{{"invite"}});
}

TEST_CASE("when the last local user leaves, the room's current state goes, and comes back with one", "[room_writer]") {
    Room room;
    room.fixture.join("bob", room.id);
    room.fixture.change("bob", room.id, "leave");
    CHECK_FALSE(room.current_state().empty());
    room.fixture.change("alice", room.id, "leave");

    CHECK(room.current_state().empty());
    CHECK(room.sql("SELECT user_id, membership FROM local_current_membership ORDER BY 1") ==
          Table{{"@alice:test", "leave"}, {"@bob:test", "leave"}});
    CHECK(room.leaves().size() == 1);
    CHECK(room.fixture.run(room.fixture.master->stores.states.current_state(proto::RoomId::trusted(room.id)))->events.empty());

    SECTION("at once") {}
    SECTION("after a restart") { room.fixture.restart_master(); }
    // Nobody is there any more whose view of the room a join could follow, but its writer knows what it was.
    auto join = message(room.id, "", "", proto::UserId::trusted("@bob:test"));
    join.draft.type = "m.room.member";
    join.draft.state_key = "@bob:test";
    join.draft.content = {{"membership", "join"}};
    room.send_one(std::move(join));

    CHECK(room.current_state() == room.newest_state());
    CHECK(room.sql("SELECT state_key, membership FROM current_state_events WHERE type = 'm.room.member' ORDER BY 1") ==
          Table{{"@alice:test", "leave"}, {"@bob:test", "join"}});
    const auto state = room.fixture.run(room.fixture.master->stores.states.current_state(proto::RoomId::trusted(room.id)));
    CHECK(state->joined == 1);
    CHECK(state->events.size() == room.current_state().size());
    room.send_one(message(room.id, "anybody here?", "", proto::UserId::trusted("@bob:test")));
}

TEST_CASE("a room with several ends is continued from all of them, and its state is settled", "[room_writer]") {
    Room room;
    const auto old_topic = room.send_one(topic(room.id, "old"));
    const auto branch = room.send_one(message(room.id, "branch"));
    const auto new_topic = room.send_one(topic(room.id, "new"));
    const auto newest = room.send_one(message(room.id, "newest"));
    room.sql(fmt::format("INSERT INTO event_forward_extremities (event_id, room_id) VALUES ('{}', '{}')", branch, room.id));
    // As a fork may leave it: the table says what one side of it said.
    room.sql(fmt::format("UPDATE current_state_events SET event_id = '{}' WHERE room_id = '{}' AND type = 'm.room.topic'", old_topic, room.id));
    room.fixture.restart_master();

    const auto merged = room.send_one(message(room.id, "merged"));

    CHECK(room.leaves() == Strings{merged});
    CHECK(room.one(fmt::format("SELECT string_agg(prev_event_id, ' ' ORDER BY prev_event_id) FROM event_edges WHERE event_id = '{}'", merged)) ==
          std::min(branch, newest) + " " + std::max(branch, newest));
    CHECK(room.current_state() == room.newest_state());
    CHECK(room.sql("SELECT event_id FROM current_state_events WHERE type = 'm.room.topic'") == Table{{new_topic}});
    CHECK(room.one("SELECT prev_event_id FROM current_state_delta_stream WHERE type = 'm.room.topic' ORDER BY stream_id DESC LIMIT 1") == old_topic);
    const auto state = room.fixture.run(room.fixture.master->stores.states.current_state(proto::RoomId::trusted(room.id)));
    CHECK(state->find("m.room.topic")->str() == new_topic);
}

TEST_CASE("of very many ends an event names the deepest, and the rest stay ends", "[room_writer]") {
    Room room;
    for (int n = 0; n < 14; ++n) {
        const auto id = room.send_one(message(room.id, std::to_string(n)));
        room.sql(fmt::format("INSERT INTO event_forward_extremities (event_id, room_id) VALUES ('{}', '{}') ON CONFLICT DO NOTHING", id, room.id));
    }
    room.sql(fmt::format("INSERT INTO event_forward_extremities SELECT event_id, room_id FROM events WHERE type = 'm.room.message' ON CONFLICT DO NOTHING"));
    room.fixture.restart_master();
    REQUIRE(room.leaves().size() == 14);

    const auto first = room.send_one(message(room.id, "first"));
    CHECK(room.leaves().size() == 5);
    CHECK(room.one(fmt::format("SELECT count(*) FROM event_edges WHERE event_id = '{}'", first)) == "10");
    const auto second = room.send_one(message(room.id, "second"));

    CHECK(room.leaves() == Strings{second});
    CHECK(room.current_state() == room.newest_state());
}

TEST_CASE("a commit whose answer is lost is followed up: the event is stored once and told of", "[room_writer]") {
    Room room;
    room.sql("CREATE SEQUENCE attempts; "
             "CREATE FUNCTION fail_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
             "IF nextval('attempts') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1); END IF; RETURN NULL; END $$; "
             "CREATE CONSTRAINT TRIGGER fail_once AFTER INSERT ON events DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail_once()");
    const auto before = room.fixture.master->streams.events.current();

    const bool with_state = GENERATE(false, true);
    const auto id = room.send_one(with_state ? topic(room.id, "x") : message(room.id, "x", "t1"));

    CHECK(room.leaves() == Strings{id});
    CHECK(room.count("events", fmt::format("event_id = '{}'", id)) == "1");
    CHECK(room.fixture.master->streams.events.current() == before + 1);
    CHECK(room.one("SELECT last_value FROM attempts") != "1");
}

TEST_CASE("a batch that cannot be stored does not take others with it", "[room_writer]") {
    Room room;
    room.sql("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
             "IF NEW.json LIKE '%poison%' THEN RAISE EXCEPTION 'refused'; END IF; RETURN NEW; END $$; "
             "CREATE TRIGGER refuse BEFORE INSERT ON event_json FOR EACH ROW EXECUTE FUNCTION refuse()");
    std::vector<std::string> failed;
    core::BackgroundTasks tasks{room.fixture.io.get_executor()};
    int stored = 0;
    for (const auto* text : {"one", "poison", "three"}) {
        tasks.spawn("test_send", [&, text]() -> Task<void> {
            try {
                std::vector<handlers::SendRequest> one;
                one.push_back(message(room.id, text));
                co_await room.writer().send_all(std::move(one));
                ++stored;
            } catch (const core::StoreError&) {
                failed.emplace_back(text);
            }
        });
    }
    room.fixture.run(tasks.drain(10'000));

    CHECK(failed == std::vector<std::string>{"poison"});
    CHECK(room.count("events", "type = 'm.room.message'") == "2");
    CHECK(room.leaves().size() == 1);
}
