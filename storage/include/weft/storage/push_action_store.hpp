#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "weft/core/cache.hpp"
#include "weft/storage/store_context.hpp"

namespace weft::storage {

struct UnreadCounts {
    std::int64_t notifications = 0;
    std::int64_t highlights = 0;

    bool operator==(const UnreadCounts&) const = default;
};

/// Local user -> counts; users without unread notifications are left out.
using RoomUnread = std::unordered_map<std::string, UnreadCounts>;

/// Reads the push actions that were stored with events: unread counts. Caches (a room each):
/// get_unread_event_push_actions_by_room_for_user, invalidated by events and receipts of the room.
class PushActionStore {
public:
    PushActionStore(StoreContext context, StreamState& events, StreamState& receipts);

    /// Counts of all local members of the room since each one's newest m.read or m.read.private receipt, or
    /// since they joined if there is none. One query for the whole room. Cached.
    Task<std::shared_ptr<const RoomUnread>> room_unread(std::string room_id);
    /// Of one user in the room, from the cache of room_unread().
    Task<UnreadCounts> unread(std::string room_id, std::string user_id);

private:
    StoreContext context_;
    core::Cache<std::string, RoomUnread> rooms_;
};

}  // namespace weft::storage
