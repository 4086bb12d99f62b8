// State resolution compared with a reference on rooms made at random.
#include <catch2/catch.hpp>

#include <algorithm>

#include "random_room.hpp"
#include "reference_resolution.hpp"

using namespace weft::proto;
using weft::test::RandomRoom;
using weft::test::ReferenceResolution;

namespace {

/// Rooms of each version; a room is asked about several selections of its states.
constexpr std::uint32_t kRooms = 100;
constexpr std::uint32_t kFewRooms = 25;
constexpr int kQuestions = 4;
const std::vector<std::string> kVersions = {"1", "2", "3", "6", "8", "10", "11", "12"};

template <class Check>
void for_random_conflicts(std::uint32_t rooms, Check check) {
    for (const auto& version : kVersions) {
        for (std::uint32_t seed = 0; seed < rooms; ++seed) {
            RandomRoom room{RoomVersion::get(version), seed};
            for (int question = 0; question < kQuestions; ++question) {
                INFO("version " << version << ", seed " << seed << ", question " << question);
                const auto sets = room.some_states(static_cast<std::size_t>(2 + question));
                check(room, sets);
            }
        }
    }
}

}  // namespace

TEST_CASE("resolved states are those of the reference, in thousands of random rooms", "[state_resolution]") {
    std::size_t conflicts = 0;
    for_random_conflicts(kRooms, [&](const RandomRoom& room, const std::vector<StateMap>& sets) {
        const auto load = [&](const EventId& id) { return room.load(id); };
        conflicts += split_states(sets).conflict.values.empty() ? 0 : 1;
        REQUIRE(resolve(room.version, sets, load) == ReferenceResolution{room.version, load}.resolve(sets));
    });
    CHECK(conflicts > 2'000);
}

TEST_CASE("resolved states do not depend on the order of the states", "[state_resolution]") {
    std::mt19937 random{7};
    for_random_conflicts(kFewRooms, [&](const RandomRoom& room, std::vector<StateMap> sets) {
        const EventLoader load = [&](const EventId& id) { return room.load(id); };
        const auto expected = resolve(room.version, sets, load);
        std::shuffle(sets.begin(), sets.end(), random);
        REQUIRE(resolve(room.version, sets, load) == expected);
    });
}

TEST_CASE("a state that is given twice decides nothing anew", "[state_resolution]") {
    for_random_conflicts(kFewRooms, [&](const RandomRoom& room, std::vector<StateMap> sets) {
        const EventLoader load = [&](const EventId& id) { return room.load(id); };
        const auto expected = resolve(room.version, sets, load);
        sets.push_back(sets.front());
        REQUIRE(resolve(room.version, sets, load) == expected);
    });
}
