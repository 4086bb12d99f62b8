#pragma once

#include <string>
#include <vector>

#include "weft/handlers/reading/ignored_users.hpp"
#include "weft/handlers/reading/visibility.hpp"
#include "weft/proto/filter.hpp"
#include "weft/storage/events_store.hpp"
#include "weft/storage/state_store.hpp"

namespace weft::handlers {

/// One event of a room, and who wants to see it.
struct EventQuery {
    EventQuery(std::string user, proto::RoomId room, proto::EventId event)
        : user_id{std::move(user)}, room_id{std::move(room)}, event_id{std::move(event)} {}

    std::string user_id;
    proto::RoomId room_id;
    proto::EventId event_id;
};

/// What happened around an event.
struct EventContext {
    storage::StoredEventPtr event;
    std::vector<storage::StoredEventPtr> before;  // newest first
    std::vector<storage::StoredEventPtr> after;   // oldest first
    std::vector<storage::StoredEventPtr> state;   // at the last event of these
    storage::RoomToken start;                     // to go on backward
    storage::RoomToken end;                       // to go on forward
};

/// Single events (client-server API, GET /rooms/{roomId}/event, /context and /timestamp_to_event). What a user may not see is not
/// there for them: M_NOT_FOUND. Logic thread only.
class EventReader {
public:
    EventReader(storage::EventsStore& events, storage::StateStore& states, storage::AccountDataStore& account_data,
                Visibility& visibility)
        : events_{events}, states_{states}, account_data_{account_data}, visibility_{visibility} {}

    Task<storage::StoredEventPtr> event(EventQuery query);
    /// How many events around one are wanted.
    struct Around {
        std::size_t before = 0;
        std::size_t after = 0;
    };
    /// The filter applies to all but the event itself.
    Task<EventContext> context(EventQuery query, Around limits, proto::EventFilter filter);
    /// The event closest to a time, at or behind it in the direction. Throws M_FORBIDDEN, M_NOT_FOUND.
    Task<storage::StoredEventPtr> closest(std::string user_id, proto::RoomId room_id, std::int64_t time_ms,
                                          storage::Direction direction);

private:
    Task<std::vector<storage::StoredEventPtr>> state_at(proto::EventId last,
                                                        std::vector<storage::StoredEventPtr> shown,
                                                        const proto::EventFilter& filter);

    storage::EventsStore& events_;
    storage::StateStore& states_;
    storage::AccountDataStore& account_data_;
    Visibility& visibility_;
};

}  // namespace weft::handlers
