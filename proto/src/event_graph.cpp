#include "event_graph.hpp"

namespace weft::proto {

EventIndex EventGraph::intern(const EventId& id) {
    const auto [entry, is_new] = indexes_.try_emplace(id, static_cast<EventIndex>(nodes_.size()));
    if (is_new) nodes_.push_back({id, nullptr, {}, false, false});
    return entry->second;
}

const EventPtr& EventGraph::event(EventIndex index) {
    if (!nodes_[index].is_loaded) {
        nodes_[index].event = load_(EventId{nodes_[index].id});
        nodes_[index].is_loaded = true;
    }
    return nodes_[index].event;
}

const std::vector<EventIndex>& EventGraph::auth_events(EventIndex index) {
    if (!nodes_[index].is_linked) {
        std::vector<EventIndex> linked;
        if (const auto current = event(index)) {
            for (const auto& id : current->auth_events()) linked.push_back(intern(id));
        }
        nodes_[index].auth_events = std::move(linked);
        nodes_[index].is_linked = true;
    }
    return nodes_[index].auth_events;
}

IndexSet EventGraph::with_auth_chains(const std::vector<EventIndex>& start) {
    IndexSet seen;
    for (const auto index : start) seen.insert(index);
    for (std::size_t next = 0; next < seen.list().size(); ++next) {
        const auto index = seen.list()[next];
        for (std::size_t i = 0; i < auth_events(index).size(); ++i) seen.insert(auth_events(index)[i]);
    }
    return seen;
}

std::vector<EventIndex> EventGraph::auth_difference(std::span<const StateMap> sets) {
    // NOTSPEC: counts the events of a state as part of its chain, as Synapse does. An event that is in
    // every state stays out of the difference then; it could only be put back into the result where it
    // already is.
    std::vector<std::size_t> in_sets;
    for (const auto& set : sets) {
        std::vector<EventIndex> start;
        for (const auto& [key, id] : set) start.push_back(intern(id));
        const auto reached = with_auth_chains(start);
        in_sets.resize(nodes_.size(), 0);
        for (const auto index : reached.list()) ++in_sets[index];
    }
    std::vector<EventIndex> difference;
    for (EventIndex index = 0; index < in_sets.size(); ++index) {
        if (in_sets[index] > 0 && in_sets[index] < sets.size()) difference.push_back(index);
    }
    return difference;
}

IndexSet EventGraph::conflicted_subgraph(const std::vector<EventIndex>& conflicted) {
    const auto ancestors = with_auth_chains(conflicted);
    std::vector<std::vector<EventIndex>> named_by(nodes_.size());
    for (const auto index : ancestors.list()) {
        for (const auto auth : auth_events(index)) named_by[auth].push_back(index);
    }
    // Of all that conflicted events build on, what builds on a conflicted event in turn.
    IndexSet between;
    for (const auto index : conflicted) between.insert(index);
    for (std::size_t next = 0; next < between.list().size(); ++next) {
        for (const auto dependant : named_by[between.list()[next]]) between.insert(dependant);
    }
    return between;
}

}  // namespace weft::proto
