#include "state/state_ladder.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace weft::storage;
using weft::proto::EventId;
using weft::proto::StateKey;
using State = std::map<StateKey, EventId>;

namespace {

struct Stored {
    std::int64_t prev = 0;  // 0: whole
    State rows;
};

State read(const std::map<std::int64_t, Stored>& groups, std::int64_t group, std::size_t& steps) {
    const auto& stored = groups.at(group);
    if (stored.prev == 0) return stored.rows;
    auto state = read(groups, stored.prev, ++steps);
    for (const auto& [key, event_id] : stored.rows) state.insert_or_assign(key, event_id);
    return state;
}

}  // namespace

TEST_CASE("groups on a ladder are the states they were, and no chain is long") {
    std::mt19937 random{5};
    StateLadder ladder;
    std::map<std::int64_t, Stored> groups;
    std::map<std::int64_t, State> expected;
    State state{{StateKey{"m.room.create", ""}, EventId::trusted("$0")}};
    ladder.begin(1);
    groups[1] = {0, state};
    expected[1] = state;
    std::size_t rows = 0;
    for (std::int64_t group = 2; group <= 2'500; ++group) {
        State changes;
        for (std::size_t n = 0; n < random() % 3; ++n) {
            changes.insert_or_assign(StateKey{"m.room.member", std::to_string(random() % 400)},
                                     EventId::trusted("$" + std::to_string(group)));
        }
        for (const auto& [key, event_id] : changes) state.insert_or_assign(key, event_id);
        expected[group] = state;
        auto step = ladder.add(group, changes);
        CHECK(step.group == group);
        CHECK(step.prev_group < group);
        rows += step.rows.size();
        groups[group] = {step.prev_group, std::move(step.rows)};
    }

    std::size_t longest = 0;
    bool is_same = true;
    for (const auto& [group, whole] : expected) {
        std::size_t steps = 0;
        is_same = is_same && read(groups, group, steps) == whole;
        longest = std::max(longest, steps);
    }
    CHECK(is_same);
    CHECK(longest <= 30);
    CHECK(rows < 4 * 2'500);
}

TEST_CASE("a ladder that begins anew knows nothing of what was before") {
    StateLadder ladder;
    ladder.begin(1);
    ladder.add(2, {{StateKey{"a", ""}, EventId::trusted("$a")}});
    ladder.begin(3);

    const auto step = ladder.add(4, {{StateKey{"b", ""}, EventId::trusted("$b")}});

    CHECK(step.prev_group == 3);
    CHECK(step.rows == State{{StateKey{"b", ""}, EventId::trusted("$b")}});
}
