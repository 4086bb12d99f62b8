#pragma once

#include "weft/proto/state_resolution.hpp"

namespace weft::proto {

/// The algorithm of room versions 2 to 11, and its second form of version 12.
StateMap resolve_v2(const RoomVersion& version, const StateConflict& conflict, const StateLookup& agreed,
                    const EventLoader& load);

}  // namespace weft::proto
