#include <catch2/catch.hpp>

#include "weft/core/clock.hpp"
#include "weft/handlers/ephemeral/typing_lists.hpp"
#include "weft/proto/replication/rows.hpp"

using namespace weft;
using handlers::TypingLists;
using handlers::TypingTimers;
using proto::replication::TypingRow;
using Users = std::vector<std::string>;

namespace {

constexpr auto kRoom = "!a:test";
constexpr auto kOther = "!b:test";

std::vector<std::string> rooms_of(const storage::StreamUpdates& updates) {
    std::vector<std::string> rooms;
    for (const auto& [token, row] : updates.rows) rooms.push_back(TypingRow::parse(row)->room_id);
    return rooms;
}

}  // namespace

TEST_CASE("a user who goes on typing changes nothing but the time", "[typing]") {
    core::ManualClock clock;
    TypingTimers timers;

    CHECK(timers.start(kRoom, "@a:test", clock.now_ms() + 10'000));
    clock.advance(core::Milliseconds{8'000});
    CHECK_FALSE(timers.start(kRoom, "@a:test", clock.now_ms() + 10'000));
    clock.advance(core::Milliseconds{8'000});

    CHECK(timers.expire(clock.now_ms()).empty());
    CHECK(timers.users_in(kRoom) == Users{"@a:test"});
    clock.advance(core::Milliseconds{2'000});
    CHECK(timers.expire(clock.now_ms()) == std::set<std::string>{kRoom});
    CHECK(timers.users_in(kRoom).empty());
    CHECK(timers.empty());
}

TEST_CASE("a shorter time counts from when it is given", "[typing]") {
    TypingTimers timers;
    timers.start(kRoom, "@a:test", 100);
    timers.start(kRoom, "@a:test", 50);

    CHECK(timers.expire(50) == std::set<std::string>{kRoom});
    CHECK(timers.expire(100).empty());
}

TEST_CASE("users stand in the order in which they began to type", "[typing]") {
    TypingTimers timers;
    timers.start(kRoom, "@b:test", 300);
    timers.start(kRoom, "@a:test", 100);
    timers.start(kRoom, "@c:test", 200);
    timers.start(kRoom, "@b:test", 400);

    CHECK(timers.users_in(kRoom) == Users{"@b:test", "@a:test", "@c:test"});
    CHECK(timers.stop(kRoom, "@a:test"));
    CHECK(timers.users_in(kRoom) == Users{"@b:test", "@c:test"});
    CHECK_FALSE(timers.stop(kRoom, "@a:test"));
    CHECK_FALSE(timers.stop(kOther, "@b:test"));
}

TEST_CASE("expiry names each room once and leaves the others", "[typing]") {
    TypingTimers timers;
    timers.start(kRoom, "@a:test", 100);
    timers.start(kRoom, "@b:test", 100);
    timers.start(kOther, "@a:test", 101);

    CHECK(timers.expire(100) == std::set<std::string>{kRoom});
    CHECK(timers.users_in(kOther) == Users{"@a:test"});
}

TEST_CASE("who catches up gets the newest list of each room, also the empty ones", "[typing]") {
    TypingLists lists;
    lists.set(1, kRoom, {"@a:test"});
    lists.set(2, kOther, {"@a:test"});
    lists.set(3, kRoom, {"@a:test", "@b:test"});
    lists.set(4, kOther, {});

    const auto updates = lists.updates(0, 4, 100);
    REQUIRE(updates.rows.size() == 2);
    CHECK(updates.rows[0].first == 3);
    CHECK(TypingRow::parse(updates.rows[0].second)->user_ids == Users{"@a:test", "@b:test"});
    CHECK(updates.rows[1].first == 4);
    CHECK(TypingRow::parse(updates.rows[1].second)->user_ids.empty());
    CHECK(updates.upto == 4);
    CHECK_FALSE(updates.limited);
    CHECK(rooms_of(lists.updates(3, 4, 100)) == Users{kOther});
    CHECK(lists.updates(4, 4, 100).rows.empty());
}

TEST_CASE("a page of typing rows ends at its last row", "[typing]") {
    TypingLists lists;
    for (int i = 1; i <= 5; ++i) lists.set(i, "!" + std::to_string(i) + ":test", {"@a:test"});

    const auto first = lists.updates(0, 5, 2);
    CHECK(rooms_of(first) == Users{"!1:test", "!2:test"});
    CHECK(first.limited);
    CHECK(first.upto == 2);
    const auto rest = lists.updates(first.upto, 5, 100);
    CHECK(rooms_of(rest) == Users{"!3:test", "!4:test", "!5:test"});
    CHECK_FALSE(rest.limited);
    CHECK(rest.upto == 5);
}

TEST_CASE("rooms where nobody types leave first, the oldest of them", "[typing]") {
    TypingLists lists{2};
    lists.set(1, "!typing:test", {"@a:test"});
    lists.set(2, "!quiet1:test", {});
    lists.set(3, "!quiet2:test", {});
    lists.set(4, "!quiet3:test", {});

    CHECK(rooms_of(lists.updates(0, 4, 100)) == Users{"!typing:test", "!quiet2:test", "!quiet3:test"});
    CHECK(lists.rooms() == 3);
}

TEST_CASE("an old typing row does not replace a newer one", "[typing]") {
    TypingLists lists;
    lists.set(5, kRoom, {"@a:test"});
    lists.set(4, kRoom, {});
    CHECK(lists.in(kRoom) == Users{"@a:test"});

    lists.clear();
    CHECK(lists.in(kRoom).empty());
    lists.set(1, kRoom, {"@b:test"});
    CHECK(lists.in(kRoom) == Users{"@b:test"});
}
