// Rooms that come into and leave a user's view: invites, knocks, joins, leaves, kicks, bans.
#include "sync_client.hpp"

using namespace weft;
using namespace weft::test;
namespace json = boost::json;

namespace {

constexpr auto kPrivate = R"({"preset": "private_chat", "name": "Den"})";
constexpr auto kWithLeft = R"({"room": {"include_leave": true}})";

bool in_section(const json::object& answer, std::string_view section, const std::string& room_id) {
    return part(answer, {"rooms", section, room_id}) != nullptr;
}
Strings left_timeline(const json::object& answer, const std::string& room_id) {
    return told(events(answer, {"rooms", "leave", room_id, "timeline"}));
}
Strings left_state(const json::object& answer, const std::string& room_id) {
    return sorted(told(events(answer, {"rooms", "leave", room_id, "state"})));
}
Strings changed_devices(const json::object& answer, std::string_view list) {
    Strings out;
    if (const auto* const users = part(answer, {"device_lists", list})) {
        for (const auto& user : users->as_array()) out.emplace_back(user.as_string());
    }
    return out;
}

/// Bob, who knows of nothing yet, and a private room of Alice's.
struct Outside {
    explicit Outside(HomeserverFixture& fixture) : room_id{fixture.create_room("alice", kPrivate)}, bob{fixture, "bob"} { bob.sync(); }
    std::string room_id;
    SyncClient bob;
};

}  // namespace

TEST_CASE("an invite shows what the room is, once", "[sync]") {
    HomeserverFixture fixture;
    Outside to{fixture};
    fixture.say("alice", to.room_id, "secret");
    fixture.change("alice", to.room_id, "invite", "bob");
    SyncClient late{fixture, "bob"};

    for (auto* client : {&to.bob, &late}) {
        const auto answer = client->sync();
        const auto state = told(events(answer, {"rooms", "invite", to.room_id, "invite_state"}));
        for (const auto* type : {"m.room.create", "m.room.name", "m.room.join_rules", "bob invite"}) CHECK(has(state, type));
        CHECK_FALSE(has(state, "secret"));
        CHECK_FALSE(part(answer, {"rooms", "join"}));
        CHECK_FALSE(client->sync().contains("rooms"));
    }
}

TEST_CASE("an accepted invite brings the room with all its state", "[sync]") {
    HomeserverFixture fixture;
    Outside to{fixture};
    fixture.change("alice", to.room_id, "invite", "bob");
    to.bob.sync();
    fixture.join("bob", to.room_id);

    const auto answer = to.bob.sync();

    CHECK_FALSE(in_section(answer, "invite", to.room_id));
    auto all = joined_state(answer, to.room_id);
    const auto timeline = joined_timeline(answer, to.room_id);
    all.insert(all.end(), timeline.begin(), timeline.end());
    for (const auto* item : {"m.room.create", "m.room.name", "alice join", "bob join"}) CHECK(has(all, item));
    CHECK(is_limited(answer, to.room_id));
    CHECK(changed_devices(answer, "changed") == Strings{"@alice:test"});
}

TEST_CASE("who rejects an invite is told of that, and of nothing else in the room", "[sync]") {
    HomeserverFixture fixture;
    Outside to{fixture};
    fixture.change("alice", to.room_id, "invite", "bob");
    to.bob.sync();
    for (int n = 0; n < 15; ++n) fixture.say("alice", to.room_id, "secret");
    fixture.set_state("alice", to.room_id, "m.room.topic", R"({"topic": "secret"})");
    fixture.change("bob", to.room_id, "leave");

    const auto answer = to.bob.sync();

    CHECK(left_timeline(answer, to.room_id) == Strings{"bob leave"});
    CHECK(left_state(answer, to.room_id).empty());
    CHECK_FALSE(to.bob.sync().contains("rooms"));
}

TEST_CASE("a taken-back invite is told of", "[sync]") {
    HomeserverFixture fixture;
    Outside to{fixture};
    fixture.change("alice", to.room_id, "invite", "bob");
    to.bob.sync();
    fixture.change("alice", to.room_id, "kick", "bob");

    CHECK(left_timeline(to.bob.sync(), to.room_id) == Strings{"bob leave"});
}

TEST_CASE("invites by ignored users are not shown", "[sync]") {
    HomeserverFixture fixture;
    Outside to{fixture};
    fixture.put("bob", "/user/@bob:test/account_data/m.ignored_user_list", R"({"ignored_users": {"@alice:test": {}}})");
    to.bob.sync();
    fixture.change("alice", to.room_id, "invite", "bob");

    CHECK_FALSE(part(to.bob.sync(), {"rooms", "invite"}));
}

TEST_CASE("messages of ignored users are not shown, but what they change is", "[sync]") {
    HomeserverFixture fixture;
    const auto room_id = fixture.create_room("alice");
    fixture.join("bob", room_id);
    fixture.put("bob", "/user/@bob:test/account_data/m.ignored_user_list", R"({"ignored_users": {"@alice:test": {}}})");
    SyncClient bob{fixture, "bob"};
    bob.sync();
    fixture.say("alice", room_id, "spam");
    fixture.set_state("alice", room_id, "m.room.topic", R"({"topic": "x"})");
    const auto queries = HomeserverFixture::transactions("changed_state_keys");

    CHECK(bob.timeline_of(room_id) == Strings{"m.room.topic"});
    CHECK(HomeserverFixture::transactions("changed_state_keys") == queries);
}

TEST_CASE("a knock shows the knocker the room", "[sync]") {
    HomeserverFixture fixture;
    const auto room_id = fixture.create_room("alice", kPrivate);
    fixture.set_state("alice", room_id, "m.room.join_rules", R"({"join_rule": "knock"})");
    SyncClient bob{fixture, "bob"};
    bob.sync();
    REQUIRE(fixture.post("bob", "/knock/" + room_id).status == 200);

    const auto state = told(events(bob.sync(), {"rooms", "knock", room_id, "knock_state"}));

    CHECK(has(state, "bob knock"));
    CHECK(has(state, "m.room.name"));
}

TEST_CASE("a left room comes once more, up to the leave", "[sync]") {
    HomeserverFixture fixture;
    const auto room_id = fixture.create_room("alice");
    fixture.join("bob", room_id);
    SyncClient bob{fixture, "bob"};
    bob.sync();
    fixture.say("alice", room_id, "before");
    fixture.change("bob", room_id, "leave");
    fixture.say("alice", room_id, "after");

    const auto answer = bob.sync();

    CHECK(left_timeline(answer, room_id) == Strings{"before", "bob leave"});
    CHECK(left_state(answer, room_id).empty());
    CHECK_FALSE(in_section(answer, "join", room_id));
    CHECK(changed_devices(answer, "left") == Strings{"@alice:test"});
    fixture.say("alice", room_id, "later");
    CHECK_FALSE(bob.sync().contains("rooms"));
    CHECK_FALSE(SyncClient(fixture, "bob").sync().contains("rooms"));
}

TEST_CASE("a left room's short timeline comes with the state of the gap, and none from after the leave", "[sync]") {
    HomeserverFixture fixture;
    const auto room_id = fixture.create_room("alice");
    fixture.join("bob", room_id);
    SyncClient bob{fixture, "bob", R"({"room": {"timeline": {"limit": 1}, "state": {"not_senders": ["@carol:test"]}}})"};
    bob.sync();
    fixture.join("carol", room_id);
    fixture.set_state("alice", room_id, "m.room.topic", R"({"topic": "gap"})");
    fixture.change("bob", room_id, "leave");
    fixture.set_state("alice", room_id, "m.room.name", R"({"name": "after"})");

    const auto answer = bob.sync();

    CHECK(left_timeline(answer, room_id) == Strings{"bob leave"});
    CHECK(left_state(answer, room_id) == Strings{"m.room.topic"});
}

TEST_CASE("left rooms are in a first sync where they are asked for, and not once forgotten", "[sync]") {
    HomeserverFixture fixture;
    const auto room_id = fixture.create_room("alice");
    fixture.join("bob", room_id);
    fixture.say("alice", room_id, "before");
    fixture.change("bob", room_id, "leave");
    fixture.say("alice", room_id, "after");

    const auto answer = SyncClient(fixture, "bob", kWithLeft).sync();
    fixture.change("bob", room_id, "forget");
    const auto forgotten = SyncClient(fixture, "bob", kWithLeft).sync();

    const auto timeline = left_timeline(answer, room_id);
    REQUIRE(timeline.size() >= 2);
    CHECK(timeline.back() == "bob leave");
    CHECK(has(timeline, "before"));
    CHECK_FALSE(has(timeline, "after"));
    CHECK_FALSE(forgotten.contains("rooms"));
}

TEST_CASE("a forgotten room is taken from the other devices", "[sync]") {
    HomeserverFixture fixture;
    const auto room_id = fixture.create_room("alice");
    fixture.join("bob", room_id);
    SyncClient tablet{fixture, "bob/TABLET"};
    tablet.sync();
    fixture.say("alice", room_id, "secret");
    fixture.change("bob", room_id, "leave");
    fixture.change("bob", room_id, "forget");

    const auto answer = tablet.sync();

    CHECK(left_timeline(answer, room_id) == Strings{"bob leave"});
    CHECK(left_state(answer, room_id).empty());
}

TEST_CASE("kicks and bans leave a room behind", "[sync]") {
    HomeserverFixture fixture;
    const auto room_id = fixture.create_room("alice");
    fixture.join("bob", room_id);
    SyncClient bob{fixture, "bob"};
    bob.sync();
    const auto what = GENERATE(as<std::string>{}, "kick", "ban");
    fixture.change("alice", room_id, what, "bob");
    fixture.say("alice", room_id, "after");

    const auto answer = bob.sync();

    CHECK(left_timeline(answer, room_id) == Strings{what == "ban" ? "bob ban" : "bob leave"});
    CHECK_FALSE(bob.sync().contains("rooms"));
    if (what == "kick") return;
    fixture.change("alice", room_id, "unban", "bob");
    CHECK(left_timeline(bob.sync(), room_id) == Strings{"bob leave"});
}

TEST_CASE("being removed from a room one has left is no news", "[sync]") {
    HomeserverFixture fixture;
    const auto room_id = fixture.create_room("alice");
    fixture.join("bob", room_id);
    fixture.change("bob", room_id, "leave");
    SyncClient bob{fixture, "bob"};
    bob.sync();
    fixture.put("alice", fmt::format("/rooms/{}/state/m.room.member/@bob:test", room_id), R"({"membership": "leave", "reason": "again"})");

    CHECK_FALSE(bob.sync().contains("rooms"));
}

TEST_CASE("who comes back gets the room from the start, with what was missed", "[sync]") {
    HomeserverFixture fixture;
    const auto room_id = fixture.create_room("alice");
    fixture.join("bob", room_id);
    fixture.put("bob", fmt::format("/user/@bob:test/rooms/{}/tags/u.work", room_id), R"({"order": 0.5})");
    fixture.put("bob", fmt::format("/user/@bob:test/rooms/{}/account_data/x.note", room_id), R"({"note": 1})");
    SyncClient bob{fixture, "bob"};
    bob.sync();
    fixture.change("bob", room_id, "leave");
    SECTION("having been told of the leave") { bob.sync(); }
    SECTION("having left and come back between two syncs") {}
    fixture.say("alice", room_id, "meanwhile");
    fixture.join("bob", room_id);

    const auto answer = bob.sync();

    CHECK_FALSE(in_section(answer, "leave", room_id));
    CHECK(is_limited(answer, room_id));
    const auto timeline = joined_timeline(answer, room_id);
    CHECK(timeline.back() == "bob join");
    CHECK(has(timeline, "meanwhile"));
    auto all = joined_state(answer, room_id);
    all.insert(all.end(), timeline.begin(), timeline.end());
    for (const auto* item : {"m.room.create", "alice join"}) CHECK(has(all, item));
    CHECK(sorted(told(events(answer, {"rooms", "join", room_id, "account_data"}))) == Strings{"m.tag", "x.note"});
    CHECK(bob.timeline_of(room_id).empty());
}

TEST_CASE("a room that was joined and left between two syncs is a left one", "[sync]") {
    HomeserverFixture fixture;
    const auto room_id = fixture.create_room("alice");
    SyncClient bob{fixture, "bob"};
    bob.sync();
    fixture.join("bob", room_id);
    fixture.say("alice", room_id, "hello");
    fixture.change("bob", room_id, "leave");
    fixture.say("alice", room_id, "bye");

    const auto answer = bob.sync();

    const auto timeline = left_timeline(answer, room_id);
    CHECK(has(timeline, "hello"));
    CHECK(timeline.back() == "bob leave");
    auto all = left_state(answer, room_id);
    all.insert(all.end(), timeline.begin(), timeline.end());
    CHECK(has(all, "m.room.create"));
}

TEST_CASE("a new name is not a new room", "[sync]") {
    HomeserverFixture fixture;
    const auto room_id = fixture.create_room("alice");
    fixture.join("bob", room_id);
    SyncClient bob{fixture, "bob"};
    bob.sync();
    fixture.put("bob", fmt::format("/rooms/{}/state/m.room.member/@bob:test", room_id), R"({"membership": "join", "displayname": "Bobby"})");
    fixture.say("alice", room_id, "hi Bobby");

    const auto answer = bob.sync();

    CHECK(joined_timeline(answer, room_id) == Strings{"bob join", "hi Bobby"});
    CHECK(joined_state(answer, room_id).empty());
    CHECK_FALSE(is_limited(answer, room_id));
}

TEST_CASE("history from before the join is shown as the room allows", "[sync]") {
    HomeserverFixture fixture;
    const auto room_id = fixture.create_room("alice");
    const auto visibility = GENERATE(as<std::string>{}, "shared", "joined");
    fixture.set_state("alice", room_id, "m.room.history_visibility", fmt::format(R"({{"history_visibility": "{}"}})", visibility));
    fixture.say("alice", room_id, "early");
    fixture.join("bob", room_id);
    fixture.say("alice", room_id, "late");

    const auto timeline = joined_timeline(SyncClient(fixture, "bob").sync(), room_id);

    CHECK(has(timeline, "early") == (visibility == "shared"));
    CHECK(has(timeline, "late"));
}

TEST_CASE("people who come and go are told of for their devices, unless they are met elsewhere", "[sync]") {
    HomeserverFixture fixture;
    const auto one = fixture.create_room("alice");
    const auto two = fixture.create_room("alice");
    for (const auto& room_id : {one, two}) fixture.join("bob", room_id);
    SyncClient alice{fixture, "alice"};
    alice.sync();

    fixture.join("carol", one);
    const auto came = alice.sync();
    CHECK(changed_devices(came, "changed") == Strings{"@carol:test"});
    CHECK(changed_devices(came, "left").empty());
    fixture.change("bob", one, "leave");
    fixture.change("carol", one, "leave");
    const auto went = alice.sync();
    CHECK(changed_devices(went, "changed").empty());
    CHECK(changed_devices(went, "left") == Strings{"@carol:test"});
}

TEST_CASE("a membership that is newer than the answer's token waits for the next one", "[sync]") {
    HomeserverFixture fixture;
    const auto room_id = fixture.create_room("alice");
    auto& worker = fixture.start_worker("synchrotron1");
    fixture.join("bob", room_id);
    SyncClient bob{fixture, "bob"};
    bob.sync();
    // The worker has stopped hearing of news, but the database it reads has them.
    auto& stream = fixture.master->streams.events;
    std::vector<std::pair<std::int64_t, storage::StreamRows>> held_back;
    stream.set_publisher([&](std::int64_t token, const storage::StreamRows& rows) { held_back.emplace_back(token, rows); });
    fixture.run_until([&] { return worker.streams.events.current() == stream.current(); });
    fixture.say("alice", room_id, "before");
    for (const auto& [token, rows] : held_back) worker.applier.apply("master", token, rows);
    held_back.clear();
    fixture.change("bob", room_id, "leave");
    bob.move_to(worker);
    fixture.run_until([&] { return worker.streams.events.current() == stream.current() - 1; });

    const auto first = bob.sync();
    for (const auto& [token, rows] : held_back) worker.applier.apply("master", token, rows);
    fixture.run_until([&] { return worker.streams.events.current() == stream.current(); });
    const auto second = bob.sync();

    CHECK(joined_timeline(first, room_id) == Strings{"before"});
    CHECK_FALSE(in_section(first, "leave", room_id));
    CHECK(left_timeline(second, room_id) == Strings{"bob leave"});
}

TEST_CASE("who blocks invites gets none and is shown none", "[sync]") {
    HomeserverFixture fixture;
    SyncClient bob{fixture, "bob"};
    bob.sync();
    const auto room = fixture.create_room("alice");
    fixture.change("alice", room, "invite", "bob");
    const auto config = "/user/@bob:test/account_data/m.invite_permission_config";

    REQUIRE(fixture.put("bob", config, R"({"default_action": "block"})").status == 200);

    CHECK_FALSE(part(bob.sync(), {"rooms", "invite", room}));
    const auto other = fixture.create_room("alice", "{}");
    const auto blocked = [](const HomeserverFixture::Answer& answer) {
        return answer.status == 403 && answer.errcode() == "M_INVITE_BLOCKED";
    };
    CHECK(blocked(fixture.post("alice", "/rooms/" + other + "/invite", R"({"user_id": "@bob:test"})")));
    CHECK(blocked(fixture.put("alice", "/rooms/" + other + "/state/m.room.member/@bob:test", R"({"membership": "invite"})")));
    CHECK(blocked(fixture.post("alice", "/createRoom", R"({"invite": ["@carol:test", "@bob:test"]})")));
    REQUIRE(fixture.put("bob", config, "{}").status == 200);
    fixture.change("alice", other, "invite", "bob");
    const auto answer = bob.sync();
    CHECK(part(answer, {"rooms", "invite", other}));
}
