#pragma once

#include "weft/proto/state_resolution.hpp"

namespace weft::proto {

/// The algorithm of room version 1, with the flaws that version 2 mended.
StateMap resolve_v1(const RoomVersion& version, const StateConflict& conflict, const StateLookup& agreed,
                    const EventLoader& load);

}  // namespace weft::proto
