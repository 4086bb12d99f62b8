// Simplified sliding sync (MSC4186): windows on lists of rooms, on any process.
#include "sync_client.hpp"

using namespace weft;
using namespace weft::test;
namespace json = boost::json;

namespace {

/// A device with one sliding sync connection, each time from where it got to.
class SlidingClient {
public:
    SlidingClient(HomeserverFixture& fixture, std::string token, std::string body)
        : body{std::move(body)}, fixture_{fixture}, token_{std::move(token)} {}

    void move_to(TestProcess& process) { process_ = &process; }
    Task<HomeserverFixture::Answer> request(std::string query = {}) {
        auto path = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync?" + query;
        if (!pos.empty()) path += "&pos=" + http::percent_encode(pos);
        co_return co_await fixture_.request(process_ ? *process_ : *fixture_.master, http::Method::kPost,
                                            token_, std::move(path), body);
    }
    json::object peek(const std::string& query = {}) {
        const auto answer = fixture_.run(request(query));
        INFO(proto::to_json(answer.body));
        REQUIRE(answer.status == 200);
        return answer.body;
    }
    json::object sync(const std::string& query = {}) {
        auto answer = peek(query);
        pos = text_at(answer, "pos");
        return answer;
    }

    std::string body;
    std::string pos;

private:
    HomeserverFixture& fixture_;
    TestProcess* process_ = nullptr;
    std::string token_;
};

std::string one_list(int last = 10, int timeline_limit = 5,
                     const std::string& required = R"([["m.room.create", ""]])",
                     const std::string& filters = "{}") {
    return fmt::format(
        R"({{"lists": {{"all": {{"ranges": [[0, {}]], "timeline_limit": {}, "required_state": {}, "filters": {}}}}}}})",
        last, timeline_limit, required, filters);
}

json::array window(const json::object& answer, const std::string& list = "all") {
    return part(answer, {"lists", list})->at("ops").at(0).at("room_ids").as_array();
}

const json::object* room_of(const json::object& answer, const std::string& room_id) {
    const auto* const room = part(answer, {"rooms", room_id});
    return room ? &room->as_object() : nullptr;
}

Strings listed(const json::object& room, std::string_view section) {
    std::vector<json::object> list;
    for (const auto& event : room.at(section).as_array()) list.push_back(event.as_object());
    return told(list);
}

Strings timeline(const json::object& answer, const std::string& room_id) {
    const auto* const room = room_of(answer, room_id);
    return room ? listed(*room, "timeline") : Strings{};
}

}  // namespace

TEST_CASE("a first sliding sync brings the rooms in the window, newest first", "[sliding]") {
    HomeserverFixture fixture;
    const auto first = fixture.create_room("alice", R"({"preset": "public_chat", "name": "first"})");
    const auto second = fixture.create_room("alice", R"({"preset": "public_chat", "name": "second"})");
    const auto third = fixture.create_room("alice", R"({"preset": "public_chat"})");
    fixture.join("bob", third);
    fixture.say("alice", first, "hello");
    SlidingClient alice{fixture, "alice", one_list(1)};

    const auto answer = alice.sync();

    CHECK(part(answer, {"lists", "all", "count"})->as_int64() == 3);
    CHECK(window(answer) == json::array{first, third});
    CHECK(room_of(answer, second) == nullptr);
    const auto& room = *room_of(answer, first);
    CHECK(room.at("initial") == true);
    CHECK(text_at(room, "name") == "first");
    CHECK(room.at("joined_count") == 1);
    CHECK(room.at("limited") == true);
    CHECK(listed(room, "timeline").back() == "hello");
    CHECK(listed(room, "timeline").size() == 5);
    CHECK(listed(room, "required_state") == Strings{"m.room.create"});
    CHECK(text_at(room_of(answer, third)->at("heroes").at(0).as_object(), "user_id") == "@bob:test");
}

TEST_CASE("sliding sync goes on with what is new, and moves rooms up", "[sliding]") {
    HomeserverFixture fixture;
    const auto first = fixture.create_room("alice");
    const auto second = fixture.create_room("alice");
    SlidingClient alice{fixture, "alice", one_list()};
    CHECK(window(alice.sync()) == json::array{second, first});
    CHECK(alice.sync().at("rooms").as_object().empty());

    fixture.say("alice", first, "news");
    const auto answer = alice.sync();
    CHECK(window(answer) == json::array{first, second});
    CHECK(timeline(answer, first) == Strings{"news"});
    CHECK(room_of(answer, first)->at("num_live") == 1);
    CHECK_FALSE(room_of(answer, first)->contains("initial"));
    CHECK(room_of(answer, first)->at("limited") == false);
    CHECK(room_of(answer, second) == nullptr);
    CHECK(alice.sync().at("rooms").as_object().empty());
}

TEST_CASE("what happens outside the window is told when the room comes into it", "[sliding]") {
    HomeserverFixture fixture;
    const auto quiet = fixture.create_room("alice");
    SlidingClient alice{fixture, "alice", one_list(0)};
    alice.sync();
    const auto busy = fixture.create_room("alice");
    CHECK(room_of(alice.sync(), busy)->at("initial") == true);
    fixture.set_state("alice", quiet, "m.room.topic", R"({"topic": "one"})");  // does not bump
    CHECK(room_of(alice.sync(), quiet) == nullptr);
    fixture.say("alice", busy, "still here");
    alice.sync();

    alice.body = one_list(1);
    const auto answer = alice.sync();
    REQUIRE(room_of(answer, quiet));
    CHECK(timeline(answer, quiet) == Strings{"m.room.topic"});
    CHECK_FALSE(room_of(answer, quiet)->contains("initial"));
}

TEST_CASE("an answer that was lost comes again, and any process can give it", "[sliding]") {
    HomeserverFixture fixture;
    auto& worker = fixture.start_worker("synchrotron1");
    const auto room = fixture.create_room("alice");
    SlidingClient alice{fixture, "alice", one_list()};
    alice.sync();
    fixture.say("alice", room, "one");
    const auto lost = alice.peek();
    CHECK(timeline(lost, room) == Strings{"one"});

    alice.move_to(worker);
    CHECK(eventually(fixture, [&] { return timeline(alice.peek(), room) == Strings{"one"}; }));
    alice.sync();
    CHECK(room_of(alice.peek(), room) == nullptr);
}

TEST_CASE("positions of another connection, or from before, are unknown", "[sliding]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room("alice");
    SlidingClient alice{fixture, "alice", one_list()};
    alice.sync();
    const auto old = alice.pos;
    for (const auto& pos : {std::string{"x"}, std::string{"1/2"}, std::string{"999999/s1_1_1_1_1_1_1_1_1"}}) {
        alice.pos = pos;
        const auto answer = fixture.run(alice.request());
        CHECK(answer.status == 400);
        CHECK(answer.errcode() == "M_UNKNOWN_POS");
    }
    SlidingClient bob{fixture, "bob", one_list()};
    bob.pos = old;
    CHECK(fixture.run(bob.request()).errcode() == "M_UNKNOWN_POS");
    alice.pos.clear();
    alice.sync();  // begins anew
    alice.pos = old;
    CHECK(fixture.run(alice.request()).errcode() == "M_UNKNOWN_POS");
}

TEST_CASE("a poll of sliding sync waits for news and for nothing else", "[sliding]") {
    HomeserverFixture fixture;
    auto& worker = fixture.start_worker("synchrotron1");
    const auto room = fixture.create_room("alice");
    SlidingClient alice{fixture, "alice", one_list()};
    alice.sync();
    alice.move_to(worker);
    CHECK(alice.sync("timeout=20").at("rooms").as_object().empty());

    std::optional<json::object> got;
    auto poll = [](SlidingClient& client, std::optional<json::object>& out) -> Task<void> {
        auto answer = co_await client.request("timeout=30000");
        out = std::move(answer.body);
    };
    core::BackgroundTasks tasks{fixture.io.get_executor()};
    tasks.spawn("poll", [&] { return poll(alice, got); });
    fixture.say("alice", room, "wake up");
    fixture.run_until([&] { return got.has_value(); });
    CHECK(timeline(*got, room) == Strings{"wake up"});
    fixture.run(tasks.stop());
}

TEST_CASE("required state knows the user, wildcards and lazily loaded members, and may grow", "[sliding]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room("alice", R"({"preset": "public_chat", "topic": "t", "name": "n"})");
    for (const auto* user : {"bob", "carol"}) fixture.join(user, room);
    fixture.say("bob", room, "hi");
    SlidingClient alice{
        fixture, "alice",
        one_list(10, 1, R"([["m.room.member", "$LAZY"], ["m.room.member", "$ME"], ["m.room.topic", "*"]])")};

    CHECK(sorted(listed(*room_of(alice.sync(), room), "required_state")) ==
          Strings{"alice join", "bob join", "m.room.topic"});
    fixture.say("bob", room, "again");
    CHECK(listed(*room_of(alice.sync(), room), "required_state").empty());
    fixture.say("carol", room, "me too");
    CHECK(listed(*room_of(alice.sync(), room), "required_state") == Strings{"carol join"});
    fixture.set_state("alice", room, "m.room.topic", R"({"topic": "other"})");
    CHECK(has(listed(*room_of(alice.sync(), room), "required_state"), "m.room.topic"));

    alice.body = one_list(10, 1, R"([["m.room.topic", "*"], ["m.room.name", ""]])");
    CHECK(listed(*room_of(alice.sync(), room), "required_state") == Strings{"m.room.name"});
    CHECK(room_of(alice.sync(), room) == nullptr);
    alice.body = one_list(10, 3, R"([["m.room.topic", "*"], ["m.room.name", ""]])");
    const auto more = alice.sync();
    CHECK(room_of(more, room)->at("unstable_expanded_timeline") == true);
    CHECK(timeline(more, room).size() == 3);
}

TEST_CASE("lists of sliding sync are filtered", "[sliding]") {
    HomeserverFixture fixture;
    const auto plain = fixture.create_room("alice", R"({"preset": "public_chat", "name": "Plain"})");
    const auto secret = fixture.create_room("alice", R"({"preset": "private_chat", "initial_state": [
        {"type": "m.room.encryption", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}]})");
    const auto space = fixture.create_room(
        "alice", R"({"preset": "private_chat", "creation_content": {"type": "m.space"}})");
    fixture.set_state("alice", space, "m.space.child", R"({"via": ["test"]})", plain);
    const auto invite = fixture.create_room("bob");
    fixture.change("bob", invite, "invite", "alice");
    REQUIRE(fixture
                .put("alice", "/user/@alice:test/account_data/m.direct",
                     proto::to_json(json::object{{"@bob:test", {secret}}}))
                .status == 200);
    REQUIRE(fixture.put("alice", fmt::format("/user/@alice:test/rooms/{}/tags/m.favourite", plain)).status ==
            200);
    const auto with = [&](const std::string& filters) {
        SlidingClient client{fixture, "alice", one_list(10, 1, "[]", filters)};
        return window(client.sync());
    };

    CHECK(with(R"({"is_dm": true})") == json::array{secret});
    CHECK(with(R"({"is_encrypted": true})") == json::array{secret});
    CHECK(with(R"({"is_invite": true})") == json::array{invite});
    CHECK(with(R"({"room_types": ["m.space"]})") == json::array{space});
    CHECK(with(R"({"is_invite": false, "not_room_types": ["m.space"]})") == json::array{secret, plain});
    CHECK(with(R"({"room_types": [null], "is_invite": false})") == json::array{secret, plain});
    CHECK(with(R"({"tags": ["m.favourite"]})") == json::array{plain});
    CHECK(with(R"({"not_tags": ["m.favourite"], "is_invite": false})") == json::array{space, secret});
    CHECK(with(fmt::format(R"({{"spaces": ["{}"]}})", space)) == json::array{plain});
    CHECK(with(R"({"room_name_like": "plA"})") == json::array{plain});
}

TEST_CASE("invites, joins and leaves are told by sliding sync", "[sliding]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room("bob", R"({"preset": "private_chat", "name": "party"})");
    SlidingClient alice{fixture, "alice", one_list()};
    alice.sync();
    fixture.change("bob", room, "invite", "alice");
    const auto invited = alice.sync();
    REQUIRE(room_of(invited, room));
    CHECK(text_at(*room_of(invited, room), "membership") == "invite");
    CHECK(has(listed(*room_of(invited, room), "invite_state"), "m.room.name"));
    CHECK(alice.sync().at("rooms").as_object().empty());

    fixture.join("alice", room);
    const auto joined = alice.sync();
    CHECK(room_of(joined, room)->at("initial") == true);
    CHECK(text_at(*room_of(joined, room), "membership") == "join");
    CHECK(timeline(joined, room).back() == "alice join");

    fixture.change("bob", room, "kick", "alice");
    const auto left = alice.sync();
    REQUIRE(room_of(left, room));
    CHECK(text_at(*room_of(left, room), "membership") == "leave");
    CHECK(timeline(left, room) == Strings{"alice leave"});
    CHECK(alice.sync().at("rooms").as_object().empty());
}

TEST_CASE("a subscription brings a room wherever it stands", "[sliding]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room("alice");
    const auto foreign = fixture.create_room("bob");
    SlidingClient alice{
        fixture, "alice",
        fmt::format(R"({{"room_subscriptions": {{"{}": {{"timeline_limit": 2, "required_state": []}},
                                        "{}": {{"timeline_limit": 2}}}}}})",
                    room, foreign)};
    const auto answer = alice.sync();
    CHECK(timeline(answer, room).size() == 2);
    CHECK(room_of(answer, foreign) == nullptr);
    fixture.say("alice", room, "more");
    CHECK(timeline(alice.sync(), room) == Strings{"more"});
}

TEST_CASE("extensions of sliding sync bring what is beside the rooms", "[sliding]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room("alice");
    fixture.join("bob", room);
    const auto event = fixture.say("bob", room, "hello");
    SlidingClient alice{fixture, "alice",
                        R"({"lists": {"all": {"ranges": [[0, 5]], "timeline_limit": 3}}, "extensions": {
        "to_device": {"enabled": true}, "e2ee": {"enabled": true}, "account_data": {"enabled": true},
        "receipts": {"enabled": true}, "typing": {"enabled": true}}})"};
    fixture.sql("INSERT INTO devices (user_id, device_id) VALUES ('@alice:test', 'DEVICE')");

    const auto first = alice.sync();
    CHECK(part(first, {"extensions", "e2ee", "device_one_time_keys_count"}) != nullptr);
    CHECK(text_at(part(first, {"extensions", "account_data", "global"})->at(0).as_object(), "type") ==
          "m.push_rules");

    REQUIRE(fixture.post("bob", fmt::format("/rooms/{}/receipt/m.read/{}", room, event)).status == 200);
    const auto receipts = alice.sync();
    CHECK(part(receipts, {"extensions", "receipts", "rooms", room, "content", event, "m.read",
                          "@bob:test"}) != nullptr);
    CHECK(receipts.at("rooms").as_object().empty());

    REQUIRE(fixture
                .put("bob", fmt::format("/rooms/{}/typing/@bob:test", room),
                     R"({"typing": true, "timeout": 30000})")
                .status == 200);
    CHECK(part(alice.sync(), {"extensions", "typing", "rooms", room, "content", "user_ids"})->as_array() ==
          json::array{"@bob:test"});

    REQUIRE(
        fixture.put("alice", fmt::format("/user/@alice:test/rooms/{}/account_data/x.y", room), R"({"a": 1})")
            .status == 200);
    CHECK(text_at(part(alice.sync(), {"extensions", "account_data", "rooms", room})->at(0).as_object(),
                  "type") == "x.y");

    REQUIRE(
        fixture.put("bob", "/sendToDevice/x.z/1", R"({"messages": {"@alice:test": {"DEVICE": {"n": 1}}}})")
            .status == 200);
    const auto message = alice.sync();
    CHECK(text_at(part(message, {"extensions", "to_device", "events"})->at(0).as_object(), "type") == "x.z");
    const auto since = std::string{part(message, {"extensions", "to_device", "next_batch"})->as_string()};
    // Until the client shows the token, the message comes again.
    CHECK(part(alice.sync(), {"extensions", "to_device", "events"})->as_array().size() == 1);
    alice.body =
        fmt::format(R"({{"extensions": {{"to_device": {{"enabled": true, "since": "{}"}}}}}})", since);
    CHECK(part(alice.sync(), {"extensions", "to_device", "events"})->as_array().empty());
    CHECK(fixture.sql("SELECT count(*) FROM device_inbox").front().front() == "0");
}

TEST_CASE("a receipt of the user's own, from any device, brings the room's new counts", "[sliding]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room("alice");
    fixture.join("bob", room);
    SlidingClient alice{fixture, "alice", one_list()};
    alice.sync();
    const auto event = fixture.say("bob", room, "hello");
    CHECK(room_of(alice.sync(), room)->at("notification_count") == 1);

    REQUIRE(fixture.post("alice", fmt::format("/rooms/{}/receipt/m.read/{}", room, event)).status == 200);

    const auto answer = alice.sync();
    const auto* const told = room_of(answer, room);
    REQUIRE(told);
    CHECK(told->at("notification_count") == 0);
    CHECK(timeline(answer, room).empty());
    CHECK(room_of(alice.sync(), room) == nullptr);
}

TEST_CASE("sliding sync refuses what it cannot read", "[sliding]") {
    HomeserverFixture fixture;
    for (const auto* body : {R"({"lists": 1})", R"({"lists": {"a": {"ranges": [[1]]}}})",
                             R"({"lists": {"a": {"required_state": [["x"]]}}})",
                             R"({"extensions": {"typing": {"enabled": 1}}})", R"({"conn_id": 1})"}) {
        CAPTURE(body);
        CHECK(fixture.run(SlidingClient{fixture, "alice", body}.request()).errcode() == "M_BAD_JSON");
    }
    for (const auto* body :
         {R"({"lists": {"a": {"ranges": [[5, 1]]}}})", R"({"room_subscriptions": {"x": {}}})",
          R"({"extensions": {"to_device": {"enabled": true, "since": "x"}}})"}) {
        CAPTURE(body);
        CHECK(fixture.run(SlidingClient{fixture, "alice", body}.request()).errcode() == "M_INVALID_PARAM");
    }
}

TEST_CASE("invites by ignored users, and all of one who blocks them, are in no list", "[sliding]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room("alice", R"({"preset": "private_chat", "invite": ["@bob:test"]})");
    const auto set = [&](const std::string& type, const std::string& content) {
        REQUIRE(fixture.put("bob", "/user/@bob:test/account_data/" + type, content).status == 200);
    };
    const auto rooms = [&] {
        SlidingClient bob{fixture, "bob", one_list()};
        return window(bob.sync()).size();
    };
    CHECK(rooms() == 1);
    CHECK(fixture.get("bob", "/initialSync").body.at("rooms").as_array().size() == 1);

    set("m.ignored_user_list", R"({"ignored_users": {"@alice:test": {}}})");
    CHECK(rooms() == 0);
    CHECK(fixture.get("bob", "/initialSync").body.at("rooms").as_array().empty());

    set("m.ignored_user_list", "{}");
    set("m.invite_permission_config", R"({"default_action": "block"})");
    CHECK(rooms() == 0);
    CHECK(fixture.get("bob", "/initialSync").body.at("rooms").as_array().empty());
}
