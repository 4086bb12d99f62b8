// Events that workers of Synapse 1.15 have built: they come by `send_event`, in state groups that are stored
// already.
#include <catch2/catch.hpp>

#include "homeserver_fixture.hpp"
#include "weft/proto/auth_rules.hpp"
#include "weft/replication/rpc.hpp"

using namespace weft;
using namespace weft::test;
namespace json = boost::json;
using Table = std::vector<std::vector<std::string>>;

namespace {

/// The master's RPC listener, and a worker that builds events by itself from what the database holds.
struct EventCreator {
    EventCreator() : server{fixture.io.get_executor(), fixture.master->clock, router} {
        router.set_authenticator(replication::rpc_authenticator("secret"));
        fixture.master->services.serve(server);
    }
    ~EventCreator() { fixture.run(server.stop()); }

    std::string one(const std::string& query) { return fixture.sql(query).at(0).at(0); }

    /// An event of alice's on top of `prev`, or of the room's newest event.
    proto::EventPtr build(const std::string& type, json::object content,
                          std::optional<std::string> state_key = {}, std::string prev = {}) {
        if (prev.empty())
            prev = one("SELECT event_id FROM event_forward_extremities WHERE room_id = '" + room + "'");
        const auto& version = proto::RoomVersion::get("6");
        proto::EventDraft draft{.room_id = proto::RoomId::trusted(room),
                                .sender = proto::UserId::trusted("@alice:test"),
                                .type = type,
                                .state_key = std::move(state_key),
                                .content = std::move(content),
                                .redacts = {},
                                .origin_server_ts = fixture.master->clock.now_ms()};
        std::vector<proto::EventId> auth;
        for (const auto& key : proto::auth_types_for_event(draft.type, draft.sender.str(), draft.state_key,
                                                           draft.content, version)) {
            const auto found = fixture.sql("SELECT event_id FROM current_state_events WHERE type = '" +
                                           key.type() + "' AND state_key = '" + key.state_key() + "'");
            if (!found.empty()) auth.push_back(proto::EventId::trusted(found[0][0]));
        }
        const auto depth = std::stoll(one("SELECT depth FROM events WHERE event_id = '" + prev + "'")) + 1;
        return proto::build_event(std::move(draft), std::vector{proto::EventId::trusted(prev)}, auth, depth,
                                  version, "test", fixture.key)
            .value();
    }
    std::string group_of(const std::string& event_id) {
        return one("SELECT state_group FROM event_to_state_groups WHERE event_id = '" + event_id + "'");
    }
    /// The group after `event`, stored as a worker does before it sends the event.
    std::string store_group(const proto::Event& event) {
        const auto before = group_of(event.prev_events().front().str());
        if (!event.is_state()) return before;
        const auto id = one("SELECT nextval('state_group_id_seq')");
        fixture.sql("INSERT INTO state_groups (id, room_id, event_id) VALUES (" + id + ", '" + room + "', '" +
                    event.event_id().str() + "')");
        fixture.sql("INSERT INTO state_group_edges VALUES (" + id + ", " + before + ")");
        fixture.sql(
            "INSERT INTO state_groups_state (state_group, room_id, type, state_key, event_id) VALUES (" + id +
            ", '" + room + "', '" + event.type() + "', '" + *event.state_key() + "', '" +
            event.event_id().str() + "')");
        return id;
    }
    http::Response send(const proto::Event& event, const std::string& group) {
        const json::object body{{"context", json::object{{"app_service_id", nullptr},
                                                         {"delta_ids", nullptr},
                                                         {"event_state_key", nullptr},
                                                         {"event_type", event.type()},
                                                         {"prev_group", nullptr},
                                                         {"prev_state_id", nullptr},
                                                         {"rejected", false},
                                                         {"state_group", std::stoll(group)},
                                                         {"state_group_before_event", std::stoll(group)}}},
                                {"event", event.to_object()},
                                {"event_format_version", 3},
                                {"extra_users", json::array{}},
                                {"internal_metadata", json::object{{"token_id", 7}, {"txn_id", "m1590"}}},
                                {"ratelimit", true},
                                {"rejected_reason", nullptr},
                                {"requester", json::object{{"access_token_id", 7},
                                                           {"app_server_id", nullptr},
                                                           {"device_id", "DEVICE"},
                                                           {"is_guest", false},
                                                           {"user_id", "@alice:test"}}},
                                {"room_version", "6"}};
        http::Request request;
        request.method = http::Method::kPost;
        request.path = "/_synapse/replication/send_event/" + event.event_id().str() + "/txn" +
                       std::to_string(++requests);
        request.target = request.path;
        request.body = json::serialize(body);
        request.headers.set("Authorization", "Bearer secret");
        return fixture.run(router.handle(std::move(request)));
    }
    http::Response send(const proto::Event& event) { return send(event, store_group(event)); }

    HomeserverFixture fixture;
    http::Router router;
    replication::RpcServer server;
    std::string room{fixture.create_room("alice", R"({"preset": "public_chat", "room_version": "6"})")};
    int requests = 0;
};

}  // namespace

TEST_CASE("a message that a worker of Synapse has built is stored as it is, once", "[placed_events]") {
    EventCreator creator;
    creator.fixture.join("bob", creator.room);
    const auto event = creator.build("m.room.message", {{"body", "hello"}, {"msgtype", "m.text"}});
    const auto& id = event->event_id().str();
    creator.fixture.sql("INSERT INTO event_push_actions_staging VALUES ('" + id +
                        "', '@bob:test', '', 1, 0)");

    const auto answer = creator.send(*event);
    INFO(answer.body);
    REQUIRE(answer.status == 200);
    const auto token = creator.one("SELECT stream_ordering FROM events WHERE event_id = '" + id + "'");
    CHECK(answer.body == "{\"stream_id\":" + token + "}");
    CHECK(creator.fixture.sql("SELECT event_id FROM event_forward_extremities") == Table{{id}});
    CHECK(creator.fixture.sql("SELECT user_id, stream_ordering FROM event_push_actions WHERE event_id = '" +
                              id + "'") == Table{{"@bob:test", token}});
    CHECK(creator.fixture.sql("SELECT * FROM event_push_actions_staging").empty());
    CHECK(creator.fixture.get("bob", "/rooms/" + creator.room + "/event/" + id).status == 200);

    CHECK(creator.send(*event).body == answer.body);
    CHECK(creator.one("SELECT count(*) FROM events WHERE event_id = '" + id + "'") == "1");
    // Ours go on from there.
    const auto next = creator.fixture.say("bob", creator.room, "hi");
    CHECK(creator.fixture.sql("SELECT prev_event_id FROM event_edges WHERE event_id = '" + next + "'") ==
          Table{{id}});
}

TEST_CASE("a state event that a worker of Synapse has built becomes the room's state", "[placed_events]") {
    EventCreator creator;
    const auto topic = creator.build("m.room.topic", {{"topic", "ours"}}, "");
    const auto group = creator.store_group(*topic);
    const auto answer = creator.send(*topic, group);
    INFO(answer.body);
    REQUIRE(answer.status == 200);
    CHECK(creator.one("SELECT event_id FROM current_state_events WHERE type = 'm.room.topic'") ==
          topic->event_id().str());
    CHECK(creator.fixture.get("alice", "/rooms/" + creator.room + "/state/m.room.topic").text("topic") ==
          "ours");
    CHECK(creator.one("SELECT event_id FROM current_state_delta_stream ORDER BY stream_id DESC LIMIT 1") ==
          topic->event_id().str());

    const auto next = creator.fixture.say("alice", creator.room, "on top");
    CHECK(creator.group_of(next) == group);
    const auto gone = creator.build("m.room.member", {{"membership", "leave"}}, "@alice:test");
    REQUIRE(creator.send(*gone).status == 200);
    CHECK(creator.one("SELECT membership FROM local_current_membership WHERE user_id = '@alice:test'") ==
          "leave");
}

TEST_CASE("what a worker of Synapse has built on a point that has passed forks the room, if it is no state",
          "[placed_events]") {
    EventCreator creator;
    const auto base = creator.fixture.say("alice", creator.room, "base");
    const auto newer =
        creator.fixture.set_state("alice", creator.room, "m.room.topic", R"({"topic": "newer"})");
    const auto late = creator.build("m.room.message", {{"body", "late"}}, {}, base);
    REQUIRE(creator.send(*late).status == 200);
    CHECK(creator.fixture.sql("SELECT event_id FROM event_forward_extremities").size() == 2);

    const auto state = creator.build("m.room.name", {{"name", "late"}}, "", base);
    const auto refused = creator.send(*state);
    CHECK(refused.status == 429);
    CHECK(creator.fixture.sql("SELECT * FROM events WHERE event_id = '" + state->event_id().str() + "'")
              .empty());

    const auto merged = creator.fixture.say("alice", creator.room, "merged");
    CHECK(creator.fixture.sql("SELECT event_id FROM event_forward_extremities") == Table{{merged}});
    CHECK(creator.one("SELECT event_id FROM current_state_events WHERE type = 'm.room.topic'") == newer);
}

TEST_CASE("what follows from a fork by a worker of Synapse is current state as soon as it is stored",
          "[placed_events]") {
    EventCreator creator;
    auto& fixture = creator.fixture;
    fixture.join("bob", creator.room);
    const auto base = fixture.say("alice", creator.room, "base");
    const auto set = [&](const std::string& user, const std::string& type, const std::string& content,
                         const std::string& key = {}) {
        return fixture.set_state(user, creator.room, type, content, key);
    };
    const auto earlier = set("alice", "m.room.topic", R"({"topic": "earlier"})");
    // The room goes back, and on another way; then back to the first, as if the second had not been seen.
    const auto go_on_from = [&](const std::string& leaf) {
        fixture.sql("UPDATE event_forward_extremities SET event_id = '" + leaf + "'");
        fixture.master->services.room_writer->forget_room(creator.room);
    };
    go_on_from(base);
    const auto later = set("alice", "m.room.topic", R"({"topic": "later"})");
    const auto renamed =
        set("bob", "m.room.member", R"({"membership": "join", "displayname": "Bob"})", "@bob:test");
    go_on_from(earlier);
    const auto newest = fixture.say("alice", creator.room, "on the first way");
    const auto current = [&](const std::string& type, const std::string& key) {
        return creator.one("SELECT event_id FROM current_state_events WHERE type = '" + type +
                           "' AND state_key = '" + key + "'");
    };
    REQUIRE(current("m.room.topic", "") == earlier);
    REQUIRE(current("m.room.member", "@bob:test") != renamed);

    const auto late = creator.build("m.room.message", {{"body", "late"}}, {}, renamed);
    const auto answer = creator.send(*late);
    INFO(answer.body);
    REQUIRE(answer.status == 200);
    CHECK(fixture.sql("SELECT event_id FROM event_forward_extremities").size() == 2);
    CHECK(current("m.room.topic", "") == later);
    CHECK(current("m.room.member", "@bob:test") == renamed);
    CHECK(creator.one("SELECT event_id FROM local_current_membership WHERE user_id = '@bob:test'") ==
          renamed);
    // Who follows the streams learns of it with the message.
    const auto token =
        creator.one("SELECT stream_ordering FROM events WHERE event_id = '" + late->event_id().str() + "'");
    CHECK(fixture.sql(
              "SELECT type, event_id, prev_event_id FROM current_state_delta_stream WHERE stream_id = " +
              token + " AND type = 'm.room.topic'") == Table{{"m.room.topic", later, earlier}});
    CHECK(fixture.get("alice", "/rooms/" + creator.room + "/state/m.room.topic").text("topic") == "later");

    // The next event has both ends below it, and changes nothing more.
    const auto merged = fixture.say("bob", creator.room, "merged");
    CHECK(fixture.sql("SELECT event_id FROM event_forward_extremities") == Table{{merged}});
    CHECK(fixture
              .sql("SELECT prev_event_id FROM event_edges WHERE event_id = '" + merged +
                   "' AND prev_event_id IN ('" + newest + "', '" + late->event_id().str() + "')")
              .size() == 2);
    CHECK(creator.one("SELECT count(*) FROM current_state_delta_stream WHERE stream_id > " + token) == "0");
    const auto state =
        fixture.run(fixture.master->stores.states.state_after(proto::EventId::trusted(merged)));
    REQUIRE(state);
    CHECK(state->at(proto::StateKey{"m.room.topic", ""}).str() == later);
}

TEST_CASE("what a worker of Synapse may not have sent, or is nonsense, is refused", "[placed_events]") {
    EventCreator creator;
    const auto event = creator.build("m.room.message", {{"body", "x"}});
    CHECK(creator.send(*event, "999999").status == 400);
    creator.fixture.join("bob", creator.room);
    creator.fixture.set_state("alice", creator.room, "m.room.power_levels",
                              R"({"users": {"@alice:test": 0}, "events_default": 50})");
    const auto forbidden = creator.build("m.room.message", {{"body", "x"}});
    CHECK(creator.send(*forbidden).status == 403);
    CHECK(creator.fixture.sql("SELECT * FROM events WHERE type = 'm.room.message'").empty());
}
