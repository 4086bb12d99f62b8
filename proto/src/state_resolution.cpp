#include "weft/proto/state_resolution.hpp"

#include <algorithm>
#include <unordered_set>

#include "event_graph.hpp"
#include "state_resolution_v1.hpp"
#include "state_resolution_v2.hpp"

namespace weft::proto {

StateSplit split_states(std::span<const StateMap> sets) {
    StateSplit out;
    std::unordered_map<StateKey, std::pair<EventId, std::size_t>> agreed;  // value, in how many sets
    std::unordered_set<StateKey> disputed;
    for (const auto& set : sets) {
        for (const auto& [key, id] : set) {
            const auto [entry, is_new] = agreed.try_emplace(key, id, 0);
            if (entry->second.first == id) {
                ++entry->second.second;
            } else {
                disputed.insert(key);
            }
        }
    }
    for (const auto& [key, value] : agreed) {
        if (value.second == sets.size()) {
            out.unconflicted.emplace(key, value.first);
        } else {
            disputed.insert(key);
        }
    }
    for (const auto& key : disputed) {
        auto& values = out.conflict.values[key];
        for (const auto& set : sets) {
            const auto found = set.find(key);
            if (found == set.end() || std::ranges::find(values, found->second) != values.end()) continue;
            values.push_back(found->second);
        }
    }
    return out;
}

StateMap resolve_conflict(const RoomVersion& version, const StateConflict& conflict,
                          const StateLookup& agreed, const EventLoader& load) {
    if (version.state_resolution == StateResolution::kV1) return resolve_v1(version, conflict, agreed, load);
    return resolve_v2(version, conflict, agreed, load);
}

StateMap resolve(const RoomVersion& version, std::span<const StateMap> sets, const EventLoader& load) {
    if (sets.empty()) return {};
    if (sets.size() == 1) return sets.front();
    auto [state, conflict] = split_states(sets);
    if (conflict.values.empty()) return std::move(state);
    if (version.state_resolution != StateResolution::kV1) {
        EventGraph graph{load};
        for (const auto index : graph.auth_difference(sets)) conflict.replayed.push_back(graph.id(index));
        if (version.state_resolution == StateResolution::kV2_1) {
            std::vector<EventIndex> conflicted;
            for (const auto& [key, ids] : conflict.values) {
                for (const auto& id : ids) conflicted.push_back(graph.intern(id));
            }
            const auto subgraph = graph.conflicted_subgraph(conflicted);
            for (const auto index : subgraph.list()) {
                conflict.replayed.push_back(graph.id(index));
            }
        }
    }
    const StateLookup agreed = [&state = state](const StateKey& key) -> std::optional<EventId> {
        const auto found = state.find(key);
        return found == state.end() ? std::nullopt : std::optional{found->second};
    };
    auto resolved = resolve_conflict(version, conflict, agreed, load);
    state.merge(resolved);
    return std::move(state);
}

}  // namespace weft::proto
