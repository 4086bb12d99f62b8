#pragma once

#include <span>
#include <unordered_map>
#include <unordered_set>

#include "weft/proto/state_resolution.hpp"

namespace weft::proto {

using IdSet = std::unordered_set<EventId>;

/// The graph that auth_events span, loaded as it is walked. Every walk keeps its own stack: chains are as
/// long as rooms are old.
class AuthGraph {
public:
    explicit AuthGraph(const EventLoader& load) : load_{load} {}

    /// nullptr if the event is not known.
    EventPtr event(const EventId& id);

    /// The given events and all that their auth chains reach.
    IdSet with_auth_chains(const IdSet& start);
    /// Events that are in the auth chain of some sets, but not of all.
    IdSet auth_difference(std::span<const StateMap> sets);
    /// All events on paths between any two of the conflicted events, these included (room version 12).
    IdSet conflicted_subgraph(const IdSet& conflicted);

private:
    const EventLoader& load_;
    std::unordered_map<EventId, EventPtr> known_;
};

}  // namespace weft::proto
