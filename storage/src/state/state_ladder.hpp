#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "weft/proto/state_key.hpp"

namespace weft::storage {

/// A group as it is to be stored.
struct LadderStep {
    std::int64_t group = 0;
    std::int64_t prev_group = 0;
    std::map<proto::StateKey, proto::EventId> rows;  // what changed since `prev_group`
};

/// Chooses what each of a series of state groups is stored as a difference to. Holds the changes of the
/// series, but no state.
class StateLadder {
public:
    /// How many steps of a kind follow each other, before there is a wider one.
    static constexpr std::size_t kWidth = 10;

    /// Begins a series with a group that is stored as it is.
    void begin(std::int64_t group);
    /// The next group of the series, and what changed since the one before.
    LadderStep add(std::int64_t group, std::map<proto::StateKey, proto::EventId> changes);

private:
    struct Level {
        std::int64_t newest = 0;                            // the last group that stands on this level
        std::map<proto::StateKey, proto::EventId> changed;  // since then
    };
    std::vector<Level> levels_;  // wider and wider steps
    std::size_t count_ = 0;
};

}  // namespace weft::storage
