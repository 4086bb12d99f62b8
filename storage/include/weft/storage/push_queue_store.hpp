#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weft/proto/ids.hpp"
#include "weft/storage/store_context.hpp"

namespace weft::storage {

/// What an event was to do for a user: a row of event_push_actions.
struct QueuedPush {
    proto::EventId event_id;
    std::string room_id;
    std::string actions;  // JSON as stored; "": one of the two usual lists
    bool highlight = false;
    std::int64_t stream_ordering = 0;
};

/// A notification as the user's list of them shows it.
struct ListedPush : QueuedPush {
    std::optional<std::string> profile_tag;
    std::int64_t received_ms = 0;
    bool read = false;
};

/// Reads the push actions that were stored with events, user by user: for pushers and for the list of
/// notifications. (Counts: PushActionStore.)
class PushQueueStore {
public:
    explicit PushQueueStore(StoreContext context) : context_{std::move(context)} {}

    /// Notifications of the user in (from, to] that they have not read, oldest first.
    Task<std::vector<QueuedPush>> unread(std::string user_id, std::int64_t from, std::int64_t to,
                                         std::size_t limit);
    /// The newest first, those before `before` where given.
    Task<std::vector<ListedPush>> list(std::string user_id, std::optional<std::int64_t> before,
                                       std::size_t limit, bool highlights_only);
    /// Rooms in which the user may have something unread.
    Task<std::vector<std::string>> rooms(std::string user_id);
    /// Whom the event at this place of the events stream notifies.
    Task<std::vector<std::string>> notified(std::int64_t stream_ordering);

private:
    StoreContext context_;
};

}  // namespace weft::storage
