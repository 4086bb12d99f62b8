#pragma once

#include "weft/proto/event.hpp"
#include "weft/proto/json.hpp"
#include "weft/proto/room_version.hpp"

namespace weft::proto {

/// The event with only what redaction leaves, by the rules of the version of its own room.
json::object prune(const json::object& event, const RoomVersion& version);

/// The pruned form of a stored event, marked as redacted. Keeps its id and metadata, and of `unsigned` only
/// age_ts and replaces_state.
EventPtr prune_event(const Event& event);

}  // namespace weft::proto
