#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "weft/proto/state_resolution.hpp"

namespace weft::proto {

/// A small number in place of an event ID: position in an EventGraph.
using EventIndex = std::uint32_t;

/// Events by number: a list in the order they came, and who is in it.
class IndexSet {
public:
    bool insert(EventIndex index) {
        if (index >= member_.size()) member_.resize(index + 1, false);
        if (member_[index]) return false;
        member_[index] = true;
        list_.push_back(index);
        return true;
    }
    bool contains(EventIndex index) const { return index < member_.size() && member_[index]; }
    const std::vector<EventIndex>& list() const { return list_; }
    bool empty() const { return list_.empty(); }

private:
    std::vector<bool> member_;
    std::vector<EventIndex> list_;
};

/// The graph that auth_events span, with numbers for event IDs, loaded as it is walked. Every walk keeps its
/// own stack: chains are as long as rooms are old.
class EventGraph {
public:
    explicit EventGraph(const EventLoader& load) : load_{load} {}

    EventIndex intern(const EventId& id);
    const EventId& id(EventIndex index) const { return nodes_[index].id; }
    /// nullptr if the event is not known.
    const EventPtr& event(EventIndex index);
    /// Auth events of an event; none if it is not known.
    const std::vector<EventIndex>& auth_events(EventIndex index);

    /// Events that are in the auth chain of some sets, but not of all.
    std::vector<EventIndex> auth_difference(std::span<const StateMap> sets);
    /// All events on paths between any two of the conflicted events, these included (room version 12).
    IndexSet conflicted_subgraph(const std::vector<EventIndex>& conflicted);

private:
    struct Node {
        EventId id;
        EventPtr event;
        std::vector<EventIndex> auth_events;
        bool is_loaded = false;
        bool is_linked = false;
    };
    IndexSet with_auth_chains(const std::vector<EventIndex>& start);

    const EventLoader& load_;
    std::vector<Node> nodes_;
    std::unordered_map<EventId, EventIndex> indexes_;
};

}  // namespace weft::proto
