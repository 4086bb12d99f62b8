#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weft/handlers/reading/event_reader.hpp"
#include "weft/handlers/reading/message_pages.hpp"
#include "weft/handlers/reading/room_access.hpp"
#include "weft/handlers/reading/room_state_reader.hpp"
#include "weft/handlers/sync/sync.hpp"
#include "weft/storage/room_directory_store.hpp"

namespace weft::handlers {

/// A room as it is now, or was when the user left it.
struct RoomSnapshot {
    explicit RoomSnapshot(proto::RoomId room) : room_id{std::move(room)} {}

    proto::RoomId room_id;
    std::string membership;          // empty: none, the user looks in from outside
    storage::StoredEventPtr invite;  // of rooms the user is asked into, of which nothing else is told
    std::vector<storage::StoredEventPtr> messages;  // oldest first
    storage::RoomToken start;
    storage::RoomToken end;
    std::vector<storage::StoredEventPtr> state;
    std::vector<std::string> account_data;  // JSON texts
    std::vector<std::string> receipts;      // JSON texts
    bool published = false;
};

struct UserSnapshot {
    SyncToken end;
    std::vector<RoomSnapshot> rooms;
    std::vector<std::string> presence;      // JSON texts
    std::vector<std::string> account_data;  // JSON texts
};

/// What happened in rooms since a token, one after the other.
struct EventsSince {
    SyncToken start;
    SyncToken end;
    std::vector<storage::StoredEventPtr> events;
};

/// What clients used before /sync: GET /initialSync, /rooms/{roomId}/initialSync, /events and
/// /events/{eventId}. The last word on rooms one is not in is still theirs (client-server API, "Room
/// Previews"). Logic thread only.
class OldSync {
public:
    OldSync(SyncSources sources, MessagePages& pages, RoomStateReader& states, RoomAccess& access,
            EventReader& reader, storage::RoomDirectoryStore& directory);

    Task<UserSnapshot> everything(std::string user_id, std::size_t messages_max, bool archived);
    /// Throws M_FORBIDDEN.
    Task<RoomSnapshot> room(std::string user_id, proto::RoomId room_id, std::size_t messages_max);
    /// Of the user's rooms, or of one room that anybody can read. Waits for news. Throws M_FORBIDDEN.
    Task<EventsSince> events(std::string user_id, std::optional<SyncToken> from, std::int64_t timeout_ms,
                             std::optional<proto::RoomId> room_id);
    /// Throws M_NOT_FOUND.
    Task<storage::StoredEventPtr> event(std::string user_id, proto::EventId event_id);
    /// Shutdown: polls that wait are answered now.
    void end_polls();

private:
    Task<EventsSince> look(std::string user_id, SyncToken from, const std::vector<proto::RoomId>& rooms);
    Task<std::vector<std::string>> presence_of_others(std::string user_id);

    SyncSources sources_;
    MessagePages& pages_;
    RoomStateReader& states_;
    RoomAccess& access_;
    EventReader& reader_;
    storage::RoomDirectoryStore& directory_;
    bool ending_ = false;
};

}  // namespace weft::handlers
