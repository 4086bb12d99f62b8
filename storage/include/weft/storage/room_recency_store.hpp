#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "weft/core/cache.hpp"
#include "weft/storage/store_context.hpp"

namespace weft::storage {

/// When something that people look at happened in rooms last: the order in which clients list them (MSC4186,
/// `bump_stamp`). Kept in memory and up to date by the rows of the events stream. Logic thread only.
class RoomRecencyStore {
public:
    RoomRecencyStore(StoreContext context, StreamState& events);

    /// Token of the newest such event of each room; 0 where there is none. One query for all that are not in
    /// memory.
    Task<std::unordered_map<std::string, std::int64_t>> of_rooms(std::vector<std::string> rooms);

private:
    StoreContext context_;
    StreamState& events_;
    core::Cache<std::string, std::int64_t> cache_;
};

}  // namespace weft::storage
