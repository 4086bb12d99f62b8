#pragma once

#include <string>

#include "weft/core/rate_limiter.hpp"
#include "weft/handlers/reading/event_reader.hpp"
#include "weft/handlers/rooms/room_reader.hpp"
#include "weft/storage/report_store.hpp"
#include "weft/storage/user_store.hpp"

namespace weft::handlers {

/// Reports of inappropriate content (client-server API, "Reporting Content"). All throw M_NOT_FOUND where
/// there is nothing to report, and M_LIMIT_EXCEEDED. Logic thread only.
class Reports {
public:
    Reports(storage::ReportStore& reports, storage::UserStore& users, storage::EventsStore& events,
            RoomReader& rooms, EventReader& reader, const core::Clock& clock, std::string server_name);

    /// For members of the room who may see the event.
    Task<void> report_event(storage::Report report, proto::RoomId room_id, proto::EventId event_id);
    Task<void> report_room(storage::Report report, proto::RoomId room_id);
    Task<void> report_user(storage::Report report, proto::UserId target);

private:
    storage::ReportStore& reports_;
    storage::UserStore& users_;
    storage::EventsStore& events_;
    RoomReader& rooms_;
    EventReader& reader_;
    std::string server_name_;
    core::RateLimiter limiter_;
};

}  // namespace weft::handlers
