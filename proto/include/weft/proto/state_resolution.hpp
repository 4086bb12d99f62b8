#pragma once

#include <functional>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "weft/proto/event.hpp"
#include "weft/proto/state_key.hpp"

namespace weft::proto {

/// Gives the event of an id, or nullptr if it is not known. Events that were rejected must say so in their
/// metadata.
using EventLoader = std::function<EventPtr(const EventId&)>;
/// Gives the event that holds a key, or nothing.
using StateLookup = std::function<std::optional<EventId>(const StateKey&)>;

/// What several states of a room do not agree on. What they agree on is not part of it: it may be large, and
/// resolution looks at little of it.
struct StateConflict {
    /// The different events that hold a key. With one only, some states do not have the key at all.
    std::unordered_map<StateKey, std::vector<EventId>> values;
    /// What is to be replayed beside them, in any order (room versions 2 and later): the auth difference, and
    /// from version 12 on the conflicted state subgraph.
    std::vector<EventId> replayed;
};

/// States taken apart: keys of which every state has the same value, and the others.
struct StateSplit {
    StateMap unconflicted;
    StateConflict conflict;
};
/// The split of whole states; `replayed` is left empty.
StateSplit split_states(std::span<const StateMap> sets);

/// What follows for the keys that `agreed` does not have (room versions, "State resolution"). Pure: `agreed`
/// gives what all states agree on, `load` any event named by the conflict or by an event loaded before, and
/// those that `agreed` gives. Events that are missing are passed over.
StateMap resolve_conflict(const RoomVersion& version, const StateConflict& conflict, const StateLookup& agreed,
                          const EventLoader& load);

/// The one state that follows from several whole ones. Walks all their auth chains: for small rooms; see
/// storage::AuthChains for the others.
StateMap resolve(const RoomVersion& version, std::span<const StateMap> sets, const EventLoader& load);

}  // namespace weft::proto
