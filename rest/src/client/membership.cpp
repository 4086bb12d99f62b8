#include "weft/rest/client/membership.hpp"

#include "client/room_params.hpp"
#include "client/third_party_invitee.hpp"
#include "weft/core/errors.hpp"

namespace weft::rest {

namespace json = boost::json;
using core::MatrixError;
using handlers::MembershipAction;
using handlers::MembershipRequest;

namespace {

/// What a client says with its join goes into the event, but for what is not about the event.
json::object content_of_join(json::object body) {
    optional_string(body, "reason");  // throws
    body.erase("third_party_signed");
    return body;
}

/// The one thing clients may say about any change of membership.
json::object content_with_reason(const json::object& body) {
    json::object content;
    if (auto reason = optional_string(body, "reason")) content["reason"] = std::move(*reason);
    return content;
}

http::Endpoint room_action(std::string_view tail, std::string operation,
                           http::Auth auth = http::Auth::kAccessToken) {
    return {.method = http::Method::kPost,
            .paths = http::client_paths(fmt::format("/rooms/{{roomId}}/{}", tail)),
            .operation = std::move(operation),
            .auth = auth,
            .workers = kOnEventPersister,
            .affinity = http::Affinity::kRoom};
}

/// `{roomIdOrAlias}` may be an alias, which does not say who owns the room.
http::Endpoint alias_action(std::string_view name, std::string operation, http::Auth auth) {
    return {.method = http::Method::kPost,
            .paths = http::client_paths(fmt::format("/{}/{{roomIdOrAlias}}", name)),
            .operation = std::move(operation),
            .auth = auth,
            .workers = kOnEventPersister};
}

/// What others see, so users whose account is suspended may not do it.
http::Endpoint seen_by_others(http::Endpoint endpoint) {
    endpoint.refused_to_suspended = true;
    return endpoint;
}

}  // namespace

void MembershipEndpoints::register_on(http::Router& router) {
    using http::Auth;
    const auto add = [&](http::Endpoint endpoint,
                         Task<http::Response> (MembershipEndpoints::*function)(http::Request)) {
        router.add(std::move(endpoint), std::bind_front(function, this));
    };
    add(seen_by_others(room_action("join", "joinRoomById", Auth::kGuestToo)),
        &MembershipEndpoints::post_join);
    add(seen_by_others(alias_action("join", "joinRoom", Auth::kGuestToo)),
        &MembershipEndpoints::post_join_by_alias);
    add(seen_by_others(alias_action("knock", "knockRoom", Auth::kAccessToken)),
        &MembershipEndpoints::post_knock);
    add(room_action("leave", "leaveRoom", Auth::kGuestToo), &MembershipEndpoints::post_leave);
    add(seen_by_others(room_action("invite", "inviteUser")), &MembershipEndpoints::post_invite);
    add(seen_by_others(room_action("kick", "kick")), &MembershipEndpoints::post_kick);
    add(seen_by_others(room_action("ban", "ban")), &MembershipEndpoints::post_ban);
    add(seen_by_others(room_action("unban", "unban")), &MembershipEndpoints::post_unban);
    add(room_action("forget", "forgetRoom", Auth::kGuestToo), &MembershipEndpoints::post_forget);
    add({.method = http::Method::kGet,
         .paths = http::client_paths("/joined_rooms"),
         .operation = "getJoinedRooms",
         .auth = Auth::kGuestToo,
         .workers = kOnClientReader},
        &MembershipEndpoints::get_joined_rooms);
}

Task<http::Response> MembershipEndpoints::post_join(http::Request request) {
    auto room_id = room_id_of(request);
    return enter(MembershipAction::kJoin, std::move(room_id), std::move(request));
}

Task<http::Response> MembershipEndpoints::post_join_by_alias(http::Request request) {
    auto room_id = co_await directory_.room_of(request.param("roomIdOrAlias"));
    co_return co_await enter(MembershipAction::kJoin, std::move(room_id), std::move(request));
}

Task<http::Response> MembershipEndpoints::post_knock(http::Request request) {
    auto room_id = co_await directory_.room_of(request.param("roomIdOrAlias"));
    co_return co_await enter(MembershipAction::kKnock, std::move(room_id), std::move(request));
}

Task<http::Response> MembershipEndpoints::enter(MembershipAction action, proto::RoomId room_id,
                                                http::Request request) {
    auto actor = actor_of(request);
    const auto user_id = actor.user_id;
    MembershipRequest change{action, room_id, std::move(actor), user_id};
    const auto body = request.json_body(true);
    change.content = action == MembershipAction::kJoin ? content_of_join(body) : content_with_reason(body);
    if (action == MembershipAction::kJoin) {
        if (auto proof = optional_object(body, "third_party_signed"); !proof.empty())
            co_await third_party_invites_.redeem(user_id, room_id, std::move(proof));
    }
    co_await membership_.change(std::move(change));
    co_return http::Response::json(json::object{{"room_id", room_id.str()}});
}

Task<http::Response> MembershipEndpoints::post_leave(http::Request request) {
    auto actor = actor_of(request);
    const auto user_id = actor.user_id;
    MembershipRequest change{MembershipAction::kLeave, room_id_of(request), std::move(actor), user_id};
    change.content = content_with_reason(request.json_body(true));
    co_await membership_.change(std::move(change));
    co_return http::Response::empty_object();
}

Task<http::Response> MembershipEndpoints::post_invite(http::Request request) {
    const auto body = request.json_body();
    if (!is_third_party_invitee(body)) co_return co_await change_other(MembershipAction::kInvite, std::move(request));
    co_await third_party_invites_.invite(actor_of(request), room_id_of(request), third_party_invitee_in(body));
    co_return http::Response::empty_object();
}

Task<http::Response> MembershipEndpoints::post_kick(http::Request request) {
    return change_other(MembershipAction::kKick, std::move(request));
}

Task<http::Response> MembershipEndpoints::post_ban(http::Request request) {
    return change_other(MembershipAction::kBan, std::move(request));
}

Task<http::Response> MembershipEndpoints::post_unban(http::Request request) {
    return change_other(MembershipAction::kUnban, std::move(request));
}

Task<http::Response> MembershipEndpoints::change_other(MembershipAction action, http::Request request) {
    const auto body = request.json_body();
    MembershipRequest change{action, room_id_of(request), actor_of(request), user_id_in(body)};
    change.content = content_with_reason(body);
    co_await membership_.change(std::move(change));
    co_return http::Response::empty_object();
}

Task<http::Response> MembershipEndpoints::post_forget(http::Request request) {
    co_await membership_.forget(actor_of(request), room_id_of(request));
    co_return http::Response::empty_object();
}

Task<http::Response> MembershipEndpoints::get_joined_rooms(http::Request request) {
    json::array rooms;
    for (const auto& room_id : co_await membership_.joined_rooms(actor_of(request).user_id)) {
        rooms.emplace_back(room_id.str());
    }
    co_return http::Response::json(json::object{{"joined_rooms", std::move(rooms)}});
}

}  // namespace weft::rest
