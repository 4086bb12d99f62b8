#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "weft/core/cache.hpp"
#include "weft/proto/replication/rows.hpp"
#include "weft/storage/events_store.hpp"
#include "weft/storage/store_context.hpp"

namespace weft::storage {

struct UnreadCounts {
    std::int64_t notifications = 0;
    std::int64_t highlights = 0;

    bool operator==(const UnreadCounts&) const = default;
};

/// The name of what is in no thread.
inline constexpr auto kMainThread = "main";

/// Counts of a room: in all, and of each thread that has any (kMainThread: what is in none).
struct UnreadByThread {
    UnreadCounts total;
    std::map<std::string, UnreadCounts> threads;
};

/// A user's place in a thread of a room (kMainThread: what is in none).
struct ThreadPlace {
    std::string user_id;
    std::string room_id;
    std::string thread;
    std::int64_t stream_ordering = 0;
};

/// Local user -> counts; users without unread notifications are left out.
using RoomUnread = std::unordered_map<std::string, UnreadCounts>;

/// Reads the push actions that were stored with events: unread counts. Caches (a room each):
/// get_unread_event_push_actions_by_room_for_user. Rows of the events and receipts streams change what is cached in
/// place where they say enough, so that a message costs no query; else the room is read again.
class PushActionStore {
public:
    /// Constructed after `store`, which must have seen a row first.
    PushActionStore(StoreContext context, StreamState& events, StreamState& receipts, EventsStore& store);

    /// Counts of all local members of the room since each one's newest m.read or m.read.private receipt, or
    /// since they joined if there is none. One query for the whole room. Cached.
    Task<std::shared_ptr<const RoomUnread>> room_unread(std::string room_id);
    /// Of one user in the room, from the cache of room_unread().
    Task<UnreadCounts> unread(std::string room_id, std::string user_id);
    /// For each place, whether notifications of the thread from before it are unread. One query.
    Task<std::vector<bool>> unread_before(std::vector<ThreadPlace> places);
    Task<UnreadByThread> unread_by_thread(std::string room_id, std::string user_id);

private:
    struct OfThread {
        UnreadCounts counts;
        std::int64_t newest = 0;  // stream ordering of the newest event that is counted
    };
    using OfUser = std::map<std::string, OfThread>;  // by thread
    struct OfRoom {
        std::unordered_map<std::string, OfUser> users;
        std::int64_t upto = 0;  // stream ordering of the newest event of the room that was looked at
    };
    // What is cached is changed in place by rows.
    using OfRoomPtr = std::shared_ptr<OfRoom>;

    Task<std::shared_ptr<const OfRoomPtr>> of_room(std::string room_id);
    static UnreadCounts total(const OfUser& user);
    void apply_event(std::int64_t token, const proto::replication::EventsEventRow& row);
    void apply_receipt(const proto::replication::ReceiptsRow& row);

    StoreContext context_;
    EventsStore& events_;
    core::Cache<std::string, OfRoomPtr> rooms_;
};

}  // namespace weft::storage
