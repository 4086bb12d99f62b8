// Joining: who may come in, and on whose authority.
#include "weft/core/errors.hpp"
#include "weft/core/log.hpp"
#include "weft/handlers/rooms/membership.hpp"
#include "weft/proto/event_types.hpp"

namespace weft::handlers {

namespace event_type = proto::event_type;
using core::MatrixError;

namespace {

constexpr std::string_view kAuthorisedVia = "join_authorised_via_users_server";

bool is_restricted(const proto::json::object& join_rules, const proto::RoomVersion& version) {
    const auto rule = proto::get_string(join_rules, "join_rule");
    return (version.restricted_joins && rule == "restricted") ||
           (version.knock_restricted && rule == "knock_restricted");
}

}  // namespace

Task<proto::EventId> Membership::join(MembershipRequest request) {
    const auto& user_id = request.actor.user_id;
    const auto* const version = co_await rooms_.version(request.room_id);
    const auto state = co_await rooms_.state(request.room_id);
    const std::string now{state->membership(user_id.str())};
    if (now == "ban") throw MatrixError::forbidden("You are banned from this room");
    if (now == "join" && !request.again) {
        if (const auto* event_id = state->find(event_type::kMember, user_id.str())) co_return *event_id;
    }
    co_await require_not_blocked(request.room_id);
    if (request.actor.guest) co_await require_guest_access(request.room_id);
    if (now != "join") joins_.acquire(user_id.str());

    auto content = co_await with_profile(user_id, "join", request.content);
    if (request.actor.guest) content["kind"] = "guest";
    // Ours to decide, not the client's: the auth rules trust it.
    content.erase(kAuthorisedVia);
    if (now != "join" && now != "invite" &&
        is_restricted(co_await rooms_.content(request.room_id, event_type::kJoinRules), *version)) {
        content[kAuthorisedVia] = co_await authorising_user(request.room_id, user_id);
    }
    co_return co_await send(std::move(request), "join", std::move(content));
}

Task<void> Membership::require_not_blocked(proto::RoomId room_id) {
    if (co_await store_.is_blocked(room_id.str())) {
        throw MatrixError::forbidden("This room has been blocked on this server");
    }
}

Task<void> Membership::require_guest_access(proto::RoomId room_id) {
    const auto content = co_await rooms_.content(room_id, event_type::kGuestAccess);
    if (proto::get_string(content, "guest_access") != "can_join") {
        throw MatrixError{403, "M_GUEST_ACCESS_FORBIDDEN", "Guest access not allowed"};
    }
}

Task<void> Membership::remove_guests(proto::RoomId room_id) {
    for (const auto& guest : co_await store_.joined_guests(room_id.str())) {
        const auto user_id = proto::UserId::trusted(guest);
        MembershipRequest request{MembershipAction::kLeave, room_id, Actor{user_id}, user_id};
        proto::json::object content{{"reason", "Guests are not allowed in this room any more"}};
        std::string why;
        try {
            co_await send(std::move(request), "leave", std::move(content));
        } catch (const MatrixError& error) {
            why = error.what();
        }
        if (!why.empty()) core::log_warning("rooms", "guest {} cannot leave {}: {}", guest, room_id, why);
    }
}

Task<std::string> Membership::authorising_user(proto::RoomId room_id, proto::UserId user_id) {
    if (!co_await is_in_allowed_room(co_await rooms_.content(room_id, event_type::kJoinRules), user_id)) {
        throw MatrixError::forbidden(
            "You do not belong to any of the rooms whose members may join this room");
    }
    const auto levels = co_await rooms_.power_levels(room_id);
    for (auto& member : co_await state_.joined_local_users(room_id, server_name_)) {
        if (levels.user_level(member) >= levels.invite()) co_return std::move(member);
    }
    throw MatrixError::forbidden("No user of this server may let others into this room");
}

Task<bool> Membership::is_in_allowed_room(proto::json::object join_rules, proto::UserId user_id) {
    const auto* const allow = proto::get_array(join_rules, "allow");
    if (!allow) co_return false;
    const auto rooms = co_await state_.rooms_of_user(user_id.str());
    for (const auto& entry : *allow) {
        const auto* const condition = entry.if_object();
        if (!condition || proto::get_string(*condition, "type") != "m.room_membership") continue;
        const auto room = proto::get_string(*condition, "room_id");
        if (!room) continue;
        const auto found = rooms->find(proto::RoomId::trusted(std::string{*room}));
        if (found != rooms->end() && found->second.membership == "join") co_return true;
    }
    co_return false;
}

}  // namespace weft::handlers
