#pragma once

#include <boost/json.hpp>

#include "client/body_members.hpp"
#include "client/worker_kinds.hpp"
#include "weft/handlers/rooms/actor.hpp"
#include "weft/http/message.hpp"
#include "weft/http/router.hpp"
#include "weft/proto/ids.hpp"

/// What the endpoints about rooms take from requests. All throw MatrixError where the shape is wrong.
namespace weft::rest {

/// Who asks.
handlers::Actor actor_of(const http::Request& request);
/// The same where an application service may say when it happened (`ts`).
handlers::Actor actor_at(const http::Request& request);
/// `{roomId}` of the path.
proto::RoomId room_id_of(const http::Request& request);
/// `{roomAlias}` of the path.
proto::RoomAlias room_alias_of(const http::Request& request);
/// The delay that MSC4140 lets clients give an event, in milliseconds; nothing if it is to be sent now.
std::optional<std::int64_t> delay_in(const http::Request& request);
/// `user_id` of a body.
proto::UserId user_id_in(const boost::json::object& body);

}  // namespace weft::rest
