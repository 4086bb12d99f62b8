#include "auth_graph.hpp"

#include <vector>

namespace weft::proto {

EventPtr AuthGraph::event(const EventId& id) {
    const auto [entry, is_new] = known_.try_emplace(id);
    if (is_new) {
        // `load_` may be anything, also something that comes back here: no iterator is kept across the call.
        auto loaded = load_(id);
        return known_[id] = std::move(loaded);
    }
    return entry->second;
}

IdSet AuthGraph::with_auth_chains(const IdSet& start) {
    IdSet seen = start;
    std::vector<EventId> pending{start.begin(), start.end()};
    while (!pending.empty()) {
        const EventId id = std::move(pending.back());
        pending.pop_back();
        const auto current = event(id);
        if (!current) continue;
        for (const auto& auth_id : current->auth_events()) {
            if (seen.insert(auth_id).second) pending.push_back(auth_id);
        }
    }
    return seen;
}

IdSet AuthGraph::auth_difference(std::span<const StateMap> sets) {
    // NOTSPEC: counts the events of a state as part of its chain, as Synapse does. An event that is in
    // every state stays out of the difference then; it could only be put back into the result where it
    // already is.
    std::unordered_map<EventId, std::size_t> in_sets;
    for (const auto& set : sets) {
        IdSet start;
        for (const auto& [key, id] : set) start.insert(id);
        for (const auto& id : with_auth_chains(start)) ++in_sets[id];
    }
    IdSet difference;
    for (const auto& [id, count] : in_sets) {
        if (count < sets.size()) difference.insert(id);
    }
    return difference;
}

IdSet AuthGraph::conflicted_subgraph(const IdSet& conflicted) {
    const auto ancestors = with_auth_chains(conflicted);
    std::unordered_map<EventId, std::vector<EventId>> named_by;
    for (const auto& id : ancestors) {
        const auto current = event(id);
        if (!current) continue;
        for (const auto& auth_id : current->auth_events()) named_by[auth_id].push_back(id);
    }
    // Of all that conflicted events build on, what builds on a conflicted event in turn.
    IdSet between = conflicted;
    std::vector<EventId> pending{conflicted.begin(), conflicted.end()};
    while (!pending.empty()) {
        const EventId id = std::move(pending.back());
        pending.pop_back();
        const auto found = named_by.find(id);
        if (found == named_by.end()) continue;
        for (const auto& dependant : found->second) {
            if (between.insert(dependant).second) pending.push_back(dependant);
        }
    }
    return between;
}

}  // namespace weft::proto
