#include <catch2/catch.hpp>

#include "weft/core/clock.hpp"
#include "weft/handlers/ephemeral/presence_machine.hpp"
#include "weft/handlers/ephemeral/syncing_users.hpp"

using namespace weft;
using namespace std::chrono_literals;
using handlers::PresenceMachine;
using handlers::SyncingUsers;
using State = storage::PresenceState;

namespace {

constexpr auto kUser = "@a:test";
constexpr auto kWorker = "worker-1-x";
constexpr auto kKeep = std::nullopt;

/// A machine with a clock: each step gives what the machine wants told of the user, empty for nothing.
struct Steps {
    core::ManualClock clock;
    PresenceMachine machine;

    std::int64_t now() const { return clock.now_ms(); }

    /// "state", with "*" while currently active; of the one user that may have changed.
    std::string told() {
        const auto states = machine.take_changes(100);
        if (states.empty()) return "";
        REQUIRE(states.size() == 1);
        machine.stored(states);
        return states.front().state + (states.front().currently_active ? "*" : "");
    }
    std::string starts(const char* process = kWorker) {
        machine.sync_started(process, kUser, now(), now());
        return told();
    }
    std::string ends(const char* process = kWorker) {
        machine.sync_ended(process, kUser, now(), now());
        return told();
    }
    std::string acts() {
        machine.user_active(kUser, now());
        return told();
    }
    std::string sets(const std::string& state) {
        machine.set_state(kUser, state, kKeep, now());
        return told();
    }
    std::string after(core::Milliseconds time) {
        clock.advance(time);
        machine.tick(now());
        return told();
    }
};

State stored_state(std::string state, std::int64_t last_active_ms) {
    State stored;
    stored.user_id = kUser;
    stored.state = std::move(state);
    stored.last_active_ts = last_active_ms;
    stored.last_user_sync_ts = last_active_ms;
    return stored;
}

}  // namespace

TEST_CASE("a user who begins to sync is online, and idle after five minutes without action", "[presence]") {
    Steps steps;
    CHECK(steps.starts() == "online*");
    CHECK(steps.after(59s) == "");
    CHECK(steps.after(1s) == "online");
    CHECK(steps.after(3min) == "");
    CHECK(steps.after(1min) == "unavailable");
    CHECK(steps.after(24h) == "");
    CHECK(steps.acts() == "online*");
}

TEST_CASE("who syncs nowhere any more is offline thirty seconds later", "[presence]") {
    Steps steps;
    steps.starts();
    CHECK(steps.after(2min) == "online");
    CHECK(steps.ends() == "");
    CHECK(steps.after(29s) == "");
    CHECK(steps.after(1s) == "offline");
    CHECK(steps.after(24h) == "");
    CHECK(steps.machine.users() == 0);
}

TEST_CASE("a user who comes back in time was never away", "[presence]") {
    Steps steps;
    steps.starts();
    steps.after(2min);
    steps.ends();
    CHECK(steps.after(20s) == "");
    CHECK(steps.starts() == "");
    CHECK(steps.after(1min) == "");
}

TEST_CASE("a user of two processes is offline only when both have seen the end", "[presence]") {
    Steps steps;
    steps.starts("one");
    CHECK(steps.starts("two") == "");
    CHECK(steps.after(2min) == "online");
    steps.ends("one");
    CHECK(steps.after(2min) == "");
    steps.ends("two");
    CHECK(steps.after(30s) == "offline");
}

TEST_CASE("an end or start that is told twice counts once", "[presence]") {
    Steps steps;
    steps.starts();
    CHECK(steps.starts() == "");
    steps.ends();
    CHECK(steps.ends() == "");
    CHECK(steps.after(1min) == "offline");
    CHECK(steps.starts() == "online*");
}

TEST_CASE("activity is told when it begins and when it ceases, not in between", "[presence]") {
    Steps steps;
    steps.starts();
    for (int i = 0; i < 10; ++i) {
        CHECK(steps.after(30s) == "");
        CHECK(steps.acts() == "");
    }
    CHECK(steps.after(60s) == "online");
    CHECK(steps.acts() == "online*");
}

TEST_CASE("what a user sets stays until they do something", "[presence]") {
    Steps steps;
    steps.starts();
    CHECK(steps.sets("unavailable") == "unavailable");
    CHECK(steps.starts() == "");
    CHECK(steps.after(10min) == "");
    CHECK(steps.acts() == "online*");
    CHECK(steps.sets("offline") == "offline");
    CHECK(steps.starts() == "");
    CHECK(steps.acts() == "");
    CHECK(steps.sets("online") == "online*");
}

TEST_CASE("a status message is news, and is kept unless another is given", "[presence]") {
    Steps steps;
    steps.machine.set_state(kUser, "online", std::optional<std::string>{"at lunch"}, steps.now());
    auto states = steps.machine.take_changes(100);
    REQUIRE(states.size() == 1);
    CHECK(states.front().status_msg == "at lunch");

    steps.machine.set_state(kUser, "online", kKeep, steps.now());
    CHECK(steps.machine.take_changes(100).empty());

    steps.machine.set_state(kUser, "online", std::optional<std::optional<std::string>>{std::in_place},
                            steps.now());
    states = steps.machine.take_changes(100);
    REQUIRE(states.size() == 1);
    CHECK_FALSE(states.front().status_msg);
}

TEST_CASE("a process that clears its users leaves them thirty seconds to show elsewhere", "[presence]") {
    Steps steps;
    steps.starts();
    CHECK(steps.after(2min) == "online");
    steps.machine.process_cleared(kWorker, steps.now());
    CHECK(steps.after(29s) == "");

    SECTION("they do") {
        CHECK(steps.starts("another") == "");
        CHECK(steps.after(1min) == "");
    }
    SECTION("they do not") {
        CHECK(steps.after(1s) == "offline");
    }
}

TEST_CASE("the users of a lost process go, unless it returns", "[presence]") {
    Steps steps;
    steps.starts();
    CHECK(steps.after(2min) == "online");
    steps.machine.process_lost(kWorker, steps.now());
    CHECK(steps.after(25s) == "");

    SECTION("it returns and tells who syncs") {
        steps.machine.process_cleared(kWorker, steps.now());
        CHECK(steps.starts() == "");
        CHECK(steps.after(2min) == "");
    }
    SECTION("it stays away") {
        CHECK(steps.after(5s) == "offline");
    }
}

TEST_CASE("a clear or a loss of an unknown process is nothing", "[presence]") {
    Steps steps;
    steps.starts();
    steps.machine.process_cleared("nobody", steps.now());
    steps.machine.process_lost("nobody", steps.now());
    steps.machine.sync_ended("nobody", kUser, steps.now(), steps.now());
    CHECK(steps.told() == "");
    CHECK(steps.after(40s) == "");
}

TEST_CASE("after a restart of the writer users have time to show again", "[presence]") {
    Steps steps;
    auto online = stored_state("online", steps.now() - 3'600'000);

    SECTION("an active user is given half a minute of activity") {
        online.currently_active = true;
        steps.machine.load(online, steps.now());
        CHECK(steps.after(29s) == "");
        CHECK(steps.starts() == "");
        CHECK(steps.after(1s) == "online");
    }
    SECTION("an idle one is seen to be so") {
        steps.machine.load(online, steps.now());
        CHECK(steps.after(5s) == "unavailable");
    }
    SECTION("one who does not come back goes") {
        online.state = "unavailable";
        steps.machine.load(online, steps.now());
        CHECK(steps.after(29s) == "");
        CHECK(steps.after(1s) == "offline");
    }
}

TEST_CASE("times from the future or beyond all measure do no harm", "[presence]") {
    Steps steps;
    auto stored = stored_state("online", std::numeric_limits<std::int64_t>::max());
    stored.last_user_sync_ts = std::numeric_limits<std::int64_t>::min();
    steps.machine.load(stored, steps.now());
    CHECK(steps.machine.find(kUser)->last_active_ts == steps.now());

    steps.machine.sync_started(kWorker, kUser, std::numeric_limits<std::int64_t>::max(), steps.now());
    CHECK(steps.machine.find(kUser)->last_user_sync_ts == steps.now());
    steps.machine.sync_ended(kWorker, kUser, -5, steps.now());
    CHECK(steps.machine.find(kUser)->last_user_sync_ts == steps.now());
}

TEST_CASE("what could not be stored is given again, in its newest form", "[presence]") {
    Steps steps;
    steps.machine.sync_started(kWorker, kUser, steps.now(), steps.now());
    const auto lost = steps.machine.take_changes(100);
    REQUIRE(lost.size() == 1);
    CHECK_FALSE(steps.machine.has_changes());
    steps.machine.set_state(kUser, "unavailable", kKeep, steps.now());
    steps.machine.not_stored(lost);
    CHECK(steps.told() == "unavailable");
    CHECK_FALSE(steps.machine.has_changes());
}

TEST_CASE("changes are taken in batches", "[presence]") {
    Steps steps;
    for (int i = 0; i < 5; ++i) {
        steps.machine.sync_started(kWorker, "@" + std::to_string(i) + ":test", steps.now(), steps.now());
    }
    CHECK(steps.machine.take_changes(3).size() == 3);
    CHECK(steps.machine.take_changes(3).size() == 2);
    CHECK(steps.machine.take_changes(3).empty());
}

TEST_CASE("polls that follow each other are one sync", "[presence]") {
    SyncingUsers users;
    CHECK(users.begin(kUser, true).came);
    users.end(kUser, true, 1'000);
    CHECK(users.leave(10'999).empty());
    CHECK_FALSE(users.begin(kUser, true).anything());
    CHECK(users.leave(60'000).empty());
    users.end(kUser, true, 60'000);
    CHECK(users.contains(kUser));
    CHECK(users.all() == std::vector<std::string>{kUser});

    const auto left = users.leave(70'000);
    REQUIRE(left.size() == 1);
    CHECK(left.front().user_id == kUser);
    CHECK(left.front().last_sync_ms == 60'000);
    CHECK_FALSE(users.contains(kUser));
    CHECK(users.begin(kUser, true).came);
}

TEST_CASE("a client that polls as unavailable changes the state, unless another is online", "[presence]") {
    SyncingUsers users;
    const auto first = users.begin(kUser, false);
    CHECK(first.came);
    CHECK(first.presence == "unavailable");

    const auto second = users.begin(kUser, true);
    CHECK_FALSE(second.came);
    CHECK(second.presence == "online");

    users.end(kUser, false, 10);
    CHECK_FALSE(users.begin(kUser, false).anything());

    users.end(kUser, true, 20);
    users.end(kUser, false, 30);
    CHECK(users.begin(kUser, false).presence == "unavailable");
}
