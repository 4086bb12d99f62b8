// Long polls: who wakes them, what they cost, and what happens between processes.
#include "sync_client.hpp"

#include "weft/core/metrics.hpp"

using namespace weft;
using namespace weft::test;
namespace json = boost::json;

namespace {

/// Presence changes with each sync, whenever its writer gets round to it.
core::Config without_presence() {
    auto config = HomeserverFixture::roomy_config();
    config.use_presence = false;
    return config;
}

/// Syncs that wait at the same time.
class Polls {
public:
    explicit Polls(HomeserverFixture& fixture) : fixture_{fixture}, tasks_{fixture.io.get_executor()} {}
    ~Polls() { fixture_.run(tasks_.stop()); }

    std::shared_ptr<std::optional<json::object>> start(SyncClient& client, int timeout_ms = 20'000) {
        auto answer = std::make_shared<std::optional<json::object>>();
        tasks_.spawn("test_poll", [&client, answer, timeout_ms]() -> Task<void> {
            *answer = co_await client.request(fmt::format("timeout={}", timeout_ms));
        });
        return answer;
    }
    /// Lets all polls get to where they wait.
    void settle(std::size_t waiting) {
        fixture_.run_until([&] { return tasks_.running() == waiting; });
        for (int n = 0; n < 5; ++n) fixture_.run(core::sleep_for(core::Milliseconds{4}));
        REQUIRE(tasks_.running() == waiting);
    }

private:
    HomeserverFixture& fixture_;
    core::BackgroundTasks tasks_;
};

struct Chat {
    explicit Chat(HomeserverFixture& fixture) : room_id{fixture.create_room("alice")}, bob{fixture, "bob"} {
        fixture.join("bob", room_id);
        bob.sync();
    }
    std::string room_id;
    SyncClient bob;
};

}  // namespace

TEST_CASE("a sync with nothing new asks the database nothing", "[sync]") {
    HomeserverFixture fixture{without_presence()};
    Chat chat{fixture};
    const auto before = HomeserverFixture::transactions();

    const auto at_once = chat.bob.sync();
    const auto after_waiting = chat.bob.sync("timeout=30");

    CHECK(HomeserverFixture::transactions() == before);
    for (const auto& answer : {at_once, after_waiting}) {
        CHECK_FALSE(answer.contains("rooms"));
        CHECK_FALSE(answer.contains("presence"));
        CHECK(text_at(answer, "next_batch") == chat.bob.since);
    }
}

TEST_CASE("a waiting sync is woken by a message", "[sync]") {
    HomeserverFixture fixture{without_presence()};
    Chat chat{fixture};
    Polls polls{fixture};
    const auto answer = polls.start(chat.bob);
    polls.settle(1);

    fixture.say("alice", chat.room_id, "wake up");
    fixture.run_until([&] { return answer->has_value(); });

    CHECK(joined_timeline(**answer, chat.room_id) == Strings{"wake up"});
}

TEST_CASE("everybody who waits in a large room gets each message", "[sync]") {
    HomeserverFixture fixture{without_presence()};
    const auto room_id = fixture.create_room("alice");
    std::vector<std::unique_ptr<SyncClient>> people;
    for (int n = 0; n < 50; ++n) {
        const auto name = fmt::format("listener{}", n);
        fixture.join(name, room_id);
        people.push_back(std::make_unique<SyncClient>(fixture, name));
        people.back()->sync();
    }
    for (const auto* text : {"first", "second"}) {
        for (const auto& person : people) person->sync();
        Polls polls{fixture};
        std::vector<std::shared_ptr<std::optional<json::object>>> answers;
        for (const auto& person : people) answers.push_back(polls.start(*person));
        polls.settle(people.size());

        fixture.say("alice", room_id, text);
        fixture.run_until([&] { return std::ranges::all_of(answers, [](const auto& answer) { return answer->has_value(); }); });

        for (const auto& answer : answers) CHECK(joined_timeline(**answer, room_id) == Strings{text});
    }
}

TEST_CASE("a waiting sync is woken by all that concerns the user, and by nothing else", "[sync]") {
    HomeserverFixture fixture{without_presence()};
    Chat chat{fixture};
    const auto other = fixture.create_room("alice");
    const auto event = fixture.say("alice", chat.room_id, "x");
    chat.bob.sync();
    Polls polls{fixture};
    const auto answer = polls.start(chat.bob);
    polls.settle(1);
    fixture.say("alice", other, "not for bob");
    polls.settle(1);
    const auto room = "/rooms/" + chat.room_id;

    SECTION("typing") { fixture.put("alice", room + "/typing/@alice:test", R"({"typing": true, "timeout": 9000})"); }
    SECTION("a receipt") { fixture.post("alice", fmt::format("{}/receipt/m.read/{}", room, event)); }
    SECTION("account data") { fixture.put("bob", "/user/@bob:test/account_data/x.y", R"({"a": 1})"); }
    SECTION("a tag") { fixture.put("bob", fmt::format("/user/@bob:test{}/tags/u.x", room), "{}"); }
    SECTION("a push rule") { fixture.put("bob", "/pushrules/global/override/.m.rule.master/enabled", R"({"enabled": true})"); }
    SECTION("an invite") { fixture.change("alice", other, "invite", "bob"); }
    SECTION("a join from elsewhere") { fixture.join("bob", other); }
    SECTION("a message to the device") {
        fixture.sql("INSERT INTO devices (user_id, device_id, hidden) VALUES ('@bob:test', 'DEVICE', false)");
        fixture.run(fixture.master->stores.to_device.add_messages({{"@bob:test", "DEVICE", R"({"type":"x","sender":"@a:test","content":{}})"}}));
    }
    fixture.run_until([&] { return answer->has_value(); });

    CHECK(text_at(**answer, "next_batch") != chat.bob.since);
}

TEST_CASE("presence alone does not end waiting syncs more often than the interval", "[sync]") {
    auto config = HomeserverFixture::roomy_config();
    config.presence_wake_interval_ms = 400;
    HomeserverFixture fixture{config};
    Chat chat{fixture};
    core::BackgroundTasks tasks{fixture.io.get_executor()};
    tasks.spawn("test_presence", [&fixture]() -> Task<void> {
        for (int n = 0;; ++n) {
            const auto body = fmt::format(R"({{"presence": "online", "status_msg": "number {}"}})", n);
            co_await fixture.request(*fixture.master, http::Method::kPut, "alice", "/presence/@alice:test/status", body);
            co_await core::sleep_for(core::Milliseconds{10});
        }
    });
    const core::SystemClock clock;
    const auto started = clock.monotonic_ms();
    std::int64_t answers = 0;
    while (clock.monotonic_ms() - started < 1'000) {
        const auto answer = chat.bob.sync("timeout=20000");
        if (!events(answer, {"presence"}).empty()) ++answers;
    }
    const auto passed = clock.monotonic_ms() - started;
    fixture.run(tasks.stop());
    CHECK(answers >= 2);
    CHECK(answers <= passed / config.presence_wake_interval_ms + 2);
}

TEST_CASE("a waiting sync is woken by the presence of somebody in a room of the user's", "[sync]") {
    HomeserverFixture fixture;
    Chat chat{fixture};
    const auto shows_alice = [](const json::object& answer) {
        const auto all = events(answer, {"presence"});
        return std::any_of(all.begin(), all.end(), [](const auto& event) { return text_at(event, "sender") == "@alice:test"; });
    };
    Polls polls{fixture};
    auto answer = polls.start(chat.bob);
    fixture.put("alice", "/presence/@alice:test/status", R"({"presence": "online", "status_msg": "here"})");

    fixture.run_until([&] {
        if (!answer->has_value() || shows_alice(**answer)) return answer->has_value();
        chat.bob.since = text_at(**answer, "next_batch");  // it was bob's own presence
        answer = polls.start(chat.bob);
        return false;
    });

    CHECK(shows_alice(**answer));
}

TEST_CASE("a room that is joined during the wait is listened to at once", "[sync]") {
    HomeserverFixture fixture{without_presence()};
    Chat chat{fixture};
    const auto other = fixture.create_room("alice");
    SyncClient bob{fixture, "bob", fmt::format(R"({{"room": {{"timeline": {{"types": ["m.room.message"]}}, "state": {{"types": []}},
        "rooms": ["{}"]}}, "presence": {{"types": []}}}})", other)};
    bob.sync();
    Polls polls{fixture};
    const auto joined = polls.start(bob);
    polls.settle(1);
    fixture.join("bob", other);
    fixture.run_until([&] { return joined->has_value(); });
    bob.since = text_at(**joined, "next_batch");
    const auto answer = polls.start(bob);
    polls.settle(1);

    fixture.say("alice", other, "welcome");
    fixture.run_until([&] { return answer->has_value(); });

    CHECK(joined_timeline(**answer, other) == Strings{"welcome"});
}

TEST_CASE("a sync that waits in vain ends with its time", "[sync]") {
    HomeserverFixture fixture{without_presence()};
    Chat chat{fixture};
    const auto started = std::chrono::steady_clock::now();

    const auto answer = chat.bob.sync("timeout=60");

    CHECK(std::chrono::steady_clock::now() - started >= std::chrono::milliseconds{55});
    CHECK_FALSE(answer.contains("rooms"));
}

TEST_CASE("polls are answered when the process stops", "[sync]") {
    HomeserverFixture fixture{without_presence()};
    Chat chat{fixture};
    Polls polls{fixture};
    const auto answer = polls.start(chat.bob);
    polls.settle(1);

    fixture.master->services.sync.end_polls();
    fixture.run_until([&] { return answer->has_value(); });

    CHECK(text_at(**answer, "next_batch") == chat.bob.since);
}

TEST_CASE("a message costs a synchrotron one load of the event, however many wait for it", "[sync]") {
    HomeserverFixture fixture{without_presence()};
    const auto room_id = fixture.create_room("alice");
    auto& worker = fixture.start_worker("synchrotron1");
    std::list<SyncClient> clients;
    for (int n = 0; n < 20; ++n) {
        const auto user = fmt::format("user{}", n);
        fixture.join(user, room_id);
        clients.emplace_back(fixture, user).move_to(worker);
    }
    fixture.run_until([&] { return worker.streams.events.current() == fixture.master->streams.events.current(); });
    for (auto& client : clients) client.sync();
    fixture.say("alice", room_id, "warm up");
    fixture.run_until([&] { return worker.streams.events.current() == fixture.master->streams.events.current(); });
    for (auto& client : clients) {
        client.sync();
        client.sync();
    }
    Polls polls{fixture};
    std::vector<std::shared_ptr<std::optional<json::object>>> answers;
    for (auto& client : clients) answers.push_back(polls.start(client));
    polls.settle(clients.size());
    const auto all = HomeserverFixture::transactions();
    const auto persisted = HomeserverFixture::transactions("persist_events");
    const auto loads = HomeserverFixture::transactions("load_events_with_push");

    fixture.say("alice", room_id, "to all");
    fixture.run_until([&] { return std::all_of(answers.begin(), answers.end(), [](const auto& answer) { return answer->has_value(); }); });

    for (const auto& answer : answers) {
        CHECK(joined_timeline(**answer, room_id) == Strings{"to all"});
        CHECK(*part(**answer, {"rooms", "join", room_id, "unread_notifications", "notification_count"}) == 2);
    }
    CHECK(HomeserverFixture::transactions("load_events_with_push") - loads == 1);
    CHECK(HomeserverFixture::transactions("persist_events") - persisted == 1);
    CHECK(HomeserverFixture::transactions() - all == 2);
}

TEST_CASE("many who come to a process for the first time share what is read of their room", "[sync]") {
    HomeserverFixture fixture{without_presence()};
    const auto room_id = fixture.create_room("alice");
    std::list<SyncClient> clients;
    for (int n = 0; n < 10; ++n) {
        const auto user = fmt::format("user{}", n);
        fixture.join(user, room_id);
        clients.emplace_back(fixture, user);
    }
    auto& worker = fixture.start_worker("synchrotron1");
    for (auto& client : clients) client.move_to(worker);
    const auto states = HomeserverFixture::transactions("current_states");
    const auto unread = HomeserverFixture::transactions("room_unread_counts");
    Polls polls{fixture};
    std::vector<std::shared_ptr<std::optional<json::object>>> answers;
    for (auto& client : clients) answers.push_back(polls.start(client));

    fixture.run_until([&] { return std::all_of(answers.begin(), answers.end(), [](const auto& answer) { return answer->has_value(); }); });

    for (const auto& answer : answers) CHECK(joined_timeline(**answer, room_id).size() == 10);
    CHECK(HomeserverFixture::transactions("current_states") - states == 1);
    CHECK(HomeserverFixture::transactions("room_unread_counts") - unread == 1);
}

TEST_CASE("a token of a process that is ahead loses nothing and repeats nothing", "[sync]") {
    HomeserverFixture fixture{without_presence()};
    Chat chat{fixture};
    auto& worker = fixture.start_worker("synchrotron1");
    std::vector<std::pair<std::int64_t, storage::StreamRows>> held_back;
    fixture.master->streams.events.set_publisher(
        [&](std::int64_t token, const storage::StreamRows& rows) { held_back.emplace_back(token, rows); });
    fixture.say("alice", chat.room_id, "seen");
    CHECK(chat.bob.timeline_of(chat.room_id) == Strings{"seen"});
    chat.bob.move_to(worker);

    const auto behind = chat.bob.sync();
    fixture.say("alice", chat.room_id, "new");
    for (const auto& [token, rows] : held_back) worker.applier.apply("master", token, rows);
    fixture.run_until([&] { return worker.streams.events.current() == fixture.master->streams.events.current(); });
    const auto caught_up = chat.bob.sync();

    CHECK_FALSE(behind.contains("rooms"));
    CHECK(joined_timeline(caught_up, chat.room_id) == Strings{"new"});
}

TEST_CASE("rows are applied although their events cannot be loaded at first", "[sync]") {
    HomeserverFixture fixture{without_presence()};
    Chat chat{fixture};
    auto& worker = fixture.start_worker("synchrotron1");
    chat.bob.move_to(worker);
    chat.bob.sync();
    const auto before = fixture.master->streams.events.current();
    std::vector<std::pair<std::int64_t, storage::StreamRows>> held_back;
    fixture.master->streams.events.set_publisher(
        [&](std::int64_t token, const storage::StreamRows& rows) { held_back.emplace_back(token, rows); });
    fixture.say("alice", chat.room_id, "hello");
    fixture.join("carol", chat.room_id);
    fixture.sql("ALTER TABLE event_json RENAME TO away");
    for (const auto& [token, rows] : held_back) worker.applier.apply("master", token, rows);
    fixture.run_until([&] { return worker.streams.events.current() == before + 2; });
    fixture.sql("ALTER TABLE away RENAME TO event_json");

    const auto answer = chat.bob.sync();
    const auto state = fixture.run(worker.stores.states.current_state(proto::RoomId::trusted(chat.room_id)));

    CHECK(joined_timeline(answer, chat.room_id) == Strings{"hello", "carol join"});
    CHECK(state->membership("@carol:test") == "join");
}

TEST_CASE("rows of rooms to which nobody listens are applied without loading their events", "[sync]") {
    HomeserverFixture fixture{without_presence()};
    Chat chat{fixture};
    auto& worker = fixture.start_worker("synchrotron1");
    const auto before = fixture.master->streams.events.current();
    std::vector<std::pair<std::int64_t, storage::StreamRows>> rows;
    fixture.master->streams.events.set_publisher(
        [&](std::int64_t token, const storage::StreamRows& of_token) { rows.emplace_back(token, of_token); });
    fixture.say("alice", chat.room_id, "one");
    fixture.say("alice", chat.room_id, "two");
    REQUIRE(rows.size() == 2);
    bool is_heard = false;
    std::string asked;
    worker.applier.preload_only([&](const std::string& room_id, const std::string&) {
        asked = room_id;
        return is_heard;
    });

    worker.applier.apply("master", rows[0].first, rows[0].second);
    CHECK(worker.streams.events.current() == before + 1);
    CHECK(asked == chat.room_id);

    is_heard = true;
    worker.applier.apply("master", rows[1].first, rows[1].second);
    CHECK(worker.streams.events.current() == before + 1);
    fixture.run_until([&] { return worker.streams.events.current() == before + 2; });
}

TEST_CASE("a restarted process goes on where the clients are", "[sync]") {
    HomeserverFixture fixture{without_presence()};
    Chat chat{fixture};
    fixture.put("alice", fmt::format("/rooms/{}/typing/@alice:test", chat.room_id), R"({"typing": true, "timeout": 9000})");
    fixture.say("alice", chat.room_id, "one");
    chat.bob.sync();
    fixture.say("alice", chat.room_id, "two");
    fixture.restart_master();
    fixture.say("alice", chat.room_id, "three");

    CHECK(chat.bob.timeline_of(chat.room_id) == Strings{"two", "three"});
    // The typing stream counts anew, below the client's token.
    fixture.put("alice", fmt::format("/rooms/{}/typing/@alice:test", chat.room_id), R"({"typing": true, "timeout": 9000})");
    CHECK(events(chat.bob.sync(), {"rooms", "join", chat.room_id, "ephemeral"}).size() == 1);
}
