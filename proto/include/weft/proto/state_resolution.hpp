#pragma once

#include <functional>
#include <span>

#include "weft/proto/event.hpp"
#include "weft/proto/state_key.hpp"

namespace weft::proto {

/// Gives the event of an id, or nullptr if it is not known. Events that were rejected must say so in their
/// metadata.
using EventLoader = std::function<EventPtr(const EventId&)>;

/// The one state that follows from several (room versions, "State resolution"). Pure: all it sees comes from
/// `load`, which must know every event in the sets and their auth chains. Events that are missing are passed
/// over.
StateMap resolve(const RoomVersion& version, std::span<const StateMap> sets, const EventLoader& load);

}  // namespace weft::proto
