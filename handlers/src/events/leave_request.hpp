#pragma once

#include <string>

#include "weft/handlers/event_sender.hpp"
#include "weft/proto/event_types.hpp"

namespace weft::handlers {

/// A user leaves a room as a part of something else, which has its own limits.
inline SendRequest leave_request(const proto::RoomId& room_id, const std::string& user_id) {
    proto::EventDraft draft{.room_id = room_id,
                            .sender = proto::UserId::trusted(user_id),
                            .type = std::string{proto::event_type::kMember},
                            .state_key = user_id,
                            .content = {{"membership", "leave"}},
                            .redacts = std::nullopt};
    SendRequest request{std::move(draft)};
    request.ratelimit = false;
    return request;
}

}  // namespace weft::handlers
