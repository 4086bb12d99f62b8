#pragma once

#include <optional>
#include <string>

#include <boost/json.hpp>

#include "weft/proto/event.hpp"
#include "weft/storage/pusher_store.hpp"

namespace weft::handlers {

/// What a gateway is told of an event (Push Gateway API, "POST /_matrix/push/v1/notify").
struct PushContent {
    proto::EventPtr event;
    boost::json::array actions;
    std::int64_t unread = 0;
    std::optional<std::string> sender_display_name;
    std::optional<std::string> room_name;
    std::optional<std::string> room_alias;
};

/// The body of a request about an event. `with_content`: what was said may leave this server.
boost::json::object push_payload(const storage::Pusher& pusher, const PushContent& content,
                                 bool with_content);
/// The body of a request that has nothing but the number of unread messages.
boost::json::object badge_payload(const storage::Pusher& pusher, std::int64_t unread);
/// Whether the gateway's answer says that the push key is not good (any more).
bool rejects(const std::string& answer, const std::string& push_key);
/// The gateway's URL; "" if the pusher has none.
std::string gateway_url(const storage::Pusher& pusher);

}  // namespace weft::handlers
