#include "state/state_ladder.hpp"

namespace weft::storage {

void StateLadder::begin(std::int64_t group) {
    levels_.assign(2, Level{group, {}});
    count_ = 0;
}

LadderStep StateLadder::add(std::int64_t group, std::map<proto::StateKey, proto::EventId> changes) {
    ++count_;
    for (auto& each : levels_) {
        for (const auto& [key, event_id] : changes) each.changed.insert_or_assign(key, event_id);
    }
    // A group whose number has n zeros at its end makes a step of width 10^n, from the last one that did (or
    // the first).
    std::size_t level = 0;
    for (auto number = count_; number % kWidth == 0; number /= kWidth) ++level;
    // The widest level goes back to the beginning; once it is used, there is a wider one.
    if (level + 1 == levels_.size()) levels_.push_back(Level{levels_.back()});
    LadderStep step{group, levels_[level].newest, levels_[level].changed};
    for (std::size_t i = 0; i <= level; ++i) levels_[i] = Level{group, {}};
    return step;
}

}  // namespace weft::storage
