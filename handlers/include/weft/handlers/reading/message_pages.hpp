#pragma once

#include <optional>
#include <string>
#include <vector>

#include "weft/handlers/reading/ignored_users.hpp"
#include "weft/handlers/reading/room_access.hpp"
#include "weft/handlers/reading/visibility.hpp"
#include "weft/proto/filter.hpp"
#include "weft/storage/events_store.hpp"
#include "weft/storage/state_store.hpp"
#include "weft/storage/stream_state.hpp"

namespace weft::handlers {

struct MessagesQuery {
    MessagesQuery(std::string user, proto::RoomId room)
        : user_id{std::move(user)}, room_id{std::move(room)} {}

    std::string user_id;
    proto::RoomId room_id;
    storage::Direction direction = storage::Direction::kBackward;
    /// None: from the last or first event, by the direction.
    std::optional<storage::RoomToken> from;
    std::optional<storage::RoomToken> to;
    std::size_t limit = 10;  // at least 1
    proto::EventFilter filter;
};

struct MessagesPage {
    std::vector<storage::StoredEventPtr> chunk;  // in the order of the direction
    std::vector<storage::StoredEventPtr>
        state;  // members who sent the chunk, where the filter asks for lazy loading
    storage::RoomToken start;
    std::optional<storage::RoomToken> end;  // none: there is nothing more
};

/// A room's history in pages (client-server API, GET /rooms/{roomId}/messages). Former members read up to the
/// end of their stay. Logic thread only.
class MessagePages {
public:
    MessagePages(storage::EventsStore& events, storage::StateStore& states, storage::AccountDataStore& account_data,
                 RoomAccess& access, Visibility& visibility, storage::StreamState& events_stream);

    /// Throws M_FORBIDDEN.
    Task<MessagesPage> read(MessagesQuery query);
    /// The same check alone.
    Task<void> require_readable(MessagesQuery query);

private:
    Task<void> end_with_stay(MessagesQuery& query, RoomStanding::FormerStay stay);

    storage::EventsStore& events_;
    storage::StateStore& states_;
    storage::AccountDataStore& account_data_;
    RoomAccess& access_;
    Visibility& visibility_;
    storage::StreamState& events_stream_;
};

}  // namespace weft::handlers
