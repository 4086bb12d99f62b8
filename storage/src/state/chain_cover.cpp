#include "state/chain_cover.hpp"

#include <algorithm>
#include <limits>

namespace weft::storage {

void ChainCover::add_link(ChainPlace from, ChainPlace to) {
    from_[from.chain].push_back({from.sequence, to});
    to_[to.chain].push_back({to.sequence, from});
}

ChainPositions ChainCover::reached_from(const std::vector<ChainPlace>& places) const {
    ChainPositions reached;
    std::vector<ChainPlace> open = places;
    while (!open.empty()) {
        const auto place = open.back();
        open.pop_back();
        const auto [entry, is_new] = reached.try_emplace(place.chain, 0);
        const auto before = entry->second;
        if (!is_new && before >= place.sequence) continue;
        entry->second = place.sequence;
        const auto links = from_.find(place.chain);
        if (links == from_.end()) continue;
        for (const auto& link : links->second) {
            if (link.own_sequence > before && link.own_sequence <= place.sequence) open.push_back(link.other);
        }
    }
    return reached;
}

ChainPositions ChainCover::building_on(const std::vector<ChainPlace>& places) const {
    ChainPositions lowest;
    std::vector<ChainPlace> open = places;
    while (!open.empty()) {
        const auto place = open.back();
        open.pop_back();
        const auto [entry, is_new] =
            lowest.try_emplace(place.chain, std::numeric_limits<std::int64_t>::max());
        const auto before = entry->second;
        if (before <= place.sequence) continue;
        entry->second = place.sequence;
        const auto links = to_.find(place.chain);
        if (links == to_.end()) continue;
        for (const auto& link : links->second) {
            if (link.own_sequence >= place.sequence && link.own_sequence < before) open.push_back(link.other);
        }
    }
    return lowest;
}

std::vector<ChainRange> chain_difference(const std::vector<ChainPositions>& states,
                                         const ChainPositions& implied) {
    ChainPositions highest;
    for (const auto& state : states) {
        for (const auto& [chain, sequence] : state) highest[chain] = std::max(highest[chain], sequence);
    }
    const auto at = [](const ChainPositions& positions, std::int64_t chain) {
        const auto found = positions.find(chain);
        return found == positions.end() ? 0 : found->second;
    };
    std::vector<ChainRange> ranges;
    for (const auto& [chain, upto] : highest) {
        auto after = upto;
        for (const auto& state : states) after = std::min(after, at(state, chain));
        after = std::max(after, at(implied, chain));
        if (after < upto) ranges.push_back({chain, after, upto});
    }
    return ranges;
}

}  // namespace weft::storage
