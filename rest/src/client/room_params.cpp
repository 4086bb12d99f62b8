#include "room_params.hpp"

#include "weft/core/errors.hpp"

namespace weft::rest {

using core::MatrixError;

namespace {

template <class Id>
Id parse_path_id(const http::Request& request, std::string_view name) {
    auto id = Id::parse(request.param(name));
    if (!id) throw MatrixError::invalid_param(id.error().message);
    return std::move(*id);
}

}  // namespace

handlers::Actor actor_of(const http::Request& request) {
    const auto& requester = request.auth();
    handlers::Actor actor{proto::UserId::trusted(requester.user_id)};
    actor.device_id = requester.device_id;
    actor.guest = requester.is_guest;
    actor.admin = requester.is_admin;
    actor.suspended = requester.is_suspended;
    actor.appservice_id = requester.appservice_id;
    return actor;
}

handlers::Actor actor_at(const http::Request& request) {
    auto actor = actor_of(request);
    if (actor.appservice_id.empty()) return actor;
    actor.at_ms = request.query_int("ts");
    if (actor.at_ms && *actor.at_ms <= 0) throw MatrixError::invalid_param("'ts' must be greater than 0");
    return actor;
}

proto::RoomId room_id_of(const http::Request& request) {
    return parse_path_id<proto::RoomId>(request, "roomId");
}

proto::RoomAlias room_alias_of(const http::Request& request) {
    return parse_path_id<proto::RoomAlias>(request, "roomAlias");
}

std::optional<std::int64_t> delay_in(const http::Request& request) {
    const auto delay = request.query_int("org.matrix.msc4140.delay");
    if (delay && *delay < 0) throw MatrixError::invalid_param("org.matrix.msc4140.delay: must not be negative");
    return delay;
}

proto::UserId user_id_in(const boost::json::object& body) {
    const auto text = optional_string(body, "user_id");
    if (!text) throw MatrixError::missing_param("'user_id' is missing");
    const auto user_id = proto::UserId::parse(*text);
    if (!user_id) throw MatrixError::invalid_param(user_id.error().message);
    return *user_id;
}

}  // namespace weft::rest
