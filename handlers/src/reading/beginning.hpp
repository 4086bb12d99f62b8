#pragma once

#include "weft/storage/events_store.hpp"

namespace weft::handlers {

/// Before the first event of every room.
inline const storage::RoomToken kBeginning{-1, 0};

}  // namespace weft::handlers
