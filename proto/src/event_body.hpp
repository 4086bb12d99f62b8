#pragma once

#include <mutex>

#include "weft/proto/event.hpp"

namespace weft::proto {

/// What an event is, without what this server thinks of it; shared by all copies that differ in metadata
/// only.
struct Event::Body {
    const RoomVersion* version;
    EventId event_id;
    RoomId room_id;
    UserId sender;
    std::string type;
    std::optional<std::string> state_key;
    json::object content;
    json::object unsigned_data;
    std::int64_t origin_server_ts = 0;
    std::int64_t depth = 0;
    std::vector<EventId> prev_events;
    std::vector<EventId> auth_events;
    std::optional<EventId> redacts;
    std::string pdu_json;

    // Events are built on database and CPU threads and read on others, hence the flag.
    mutable std::once_flag client_form_once;
    mutable std::string client_head;
    mutable std::string client_unsigned_members;
    void make_client_form() const;
};

}  // namespace weft::proto
