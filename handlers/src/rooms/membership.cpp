#include "weft/handlers/rooms/membership.hpp"

#include <algorithm>

#include "weft/core/errors.hpp"
#include "weft/core/log.hpp"
#include "weft/handlers/user_data/invite_permission.hpp"
#include "weft/proto/event_types.hpp"

namespace weft::handlers {

namespace event_type = proto::event_type;
using core::MatrixError;

Membership::Membership(RoomReader& rooms, EventSender& sender, storage::StateStore& state,
                       storage::ProfileStore& profiles, storage::RoomStore& store,
                       storage::AccountDataStore& account_data, const core::Clock& clock, const core::Config& config)
    : rooms_{rooms},
      sender_{sender},
      state_{state},
      profiles_{profiles},
      store_{store},
      account_data_{account_data},
      clock_{clock},
      server_name_{config.server_name},
      joins_{clock, config.rc_joins.local},
      invites_per_room_{clock, config.rc_invites.per_room},
      invites_per_user_{clock, config.rc_invites.per_user} {}

Task<proto::EventId> Membership::change(MembershipRequest request) {
    switch (request.action) {
        case MembershipAction::kJoin:
            return join(std::move(request));
        case MembershipAction::kKnock:
            return knock(std::move(request));
        case MembershipAction::kInvite:
            return invite(std::move(request));
        case MembershipAction::kLeave:
            return leave(std::move(request));
        case MembershipAction::kKick:
        case MembershipAction::kBan:
        case MembershipAction::kUnban:
            break;
    }
    return remove(std::move(request));
}

Task<proto::EventId> Membership::change_by_content(Actor actor, proto::RoomId room_id, std::string state_key,
                                                   proto::json::object content) {
    const auto target = proto::UserId::parse(state_key);
    if (!target) throw MatrixError::invalid_param("The state key of m.room.member must be a user ID");
    const auto given = proto::get_string(content, "membership");
    if (!given) throw MatrixError::bad_json("'membership' must be a string");
    const std::string membership{*given};

    std::optional<MembershipAction> action;
    if (membership == "join") action = MembershipAction::kJoin;
    if (membership == "knock") action = MembershipAction::kKnock;
    if (membership == "invite") action = MembershipAction::kInvite;
    if (membership == "ban") action = MembershipAction::kBan;
    if (membership == "leave" && *target == actor.user_id) action = MembershipAction::kLeave;
    if (membership == "leave" && *target != actor.user_id) {
        const bool banned = co_await rooms_.membership(room_id, *target) == "ban";
        action = banned ? MembershipAction::kUnban : MembershipAction::kKick;
    }
    if (!action) throw MatrixError::invalid_param(fmt::format("'{}' is not a membership", membership));
    const bool by_themselves = action == MembershipAction::kJoin || action == MembershipAction::kKnock;
    if (by_themselves && *target != actor.user_id) {
        throw MatrixError::forbidden(fmt::format("Cannot {} in the name of another user", membership));
    }

    MembershipRequest request{*action, std::move(room_id), std::move(actor), *target};
    request.content = std::move(content);
    request.again = true;
    co_return co_await change(std::move(request));
}

Task<proto::EventId> Membership::knock(MembershipRequest request) {
    const auto* const version = co_await rooms_.version(request.room_id);
    co_await require_not_blocked(request.room_id);
    if (!version->knocking) throw MatrixError::forbidden("This room's version does not support knocking");
    auto content = co_await with_profile(request.target, "knock", request.content);
    proto::json::object unsigned_data;
    unsigned_data["knock_room_state"] = co_await rooms_.stripped_state(request.room_id, request.target);
    co_return co_await send(std::move(request), "knock", std::move(content), std::move(unsigned_data));
}

Task<proto::EventId> Membership::invite(MembershipRequest request) {
    co_await rooms_.version(request.room_id);
    require_local_invitee(request.target);
    co_await rooms_.require_joined(request.room_id, request.actor.user_id);
    const auto now = co_await rooms_.membership(request.room_id, request.target);
    if (now == "join") throw MatrixError::forbidden(fmt::format("{} is already in the room", request.target));
    if (now == "ban") throw MatrixError::forbidden(fmt::format("{} is banned from the room", request.target));
    co_await require_invitable(request.target);
    invites_per_room_.acquire(request.room_id.str());
    invites_per_user_.acquire(request.target.str());

    auto content = co_await with_profile(request.target, "invite", request.content);
    proto::json::object unsigned_data;
    unsigned_data["invite_room_state"] =
        co_await rooms_.stripped_state(request.room_id, request.actor.user_id);
    co_return co_await send(std::move(request), "invite", std::move(content), std::move(unsigned_data));
}

Task<void> Membership::require_invitable(proto::UserId target) {
    if (!co_await blocks_invites(account_data_, target.str())) co_return;
    throw MatrixError{403, "M_INVITE_BLOCKED", fmt::format("{} does not accept invites", target)};
}

Task<void> Membership::check_first_invites(std::vector<proto::UserId> targets) {
    for (const auto& target : targets) require_local_invitee(target);
    for (const auto& target : targets) co_await require_invitable(target);
    for (const auto& target : targets) invites_per_user_.acquire(target.str());
}

Task<void> Membership::send_first_invites(Actor actor, proto::RoomId room_id,
                                          std::vector<proto::UserId> targets, bool is_direct) {
    if (targets.empty()) co_return;
    const auto room_state = co_await rooms_.stripped_state(room_id, actor.user_id);
    std::vector<SendRequest> requests;
    for (const auto& target : targets) {
        proto::json::object content;
        if (is_direct) content["is_direct"] = true;
        SendRequest request{proto::EventDraft{
            .room_id = room_id,
            .sender = actor.user_id,
            .type = std::string{event_type::kMember},
            .state_key = target.str(),
            .content = co_await with_profile(target, "invite", std::move(content)),
            .redacts = std::nullopt,
            .origin_server_ts = clock_.now_ms(),
        }};
        request.draft.unsigned_data["invite_room_state"] = room_state;
        request.ratelimit = false;  // rc_invites has counted it
        requests.push_back(std::move(request));
    }
    const auto results = co_await sender_.send_all(std::move(requests));
    if (!results.empty()) co_await sender_.wait_for_event(results.back());
}

Task<proto::EventId> Membership::leave(MembershipRequest request) {
    const auto rooms = co_await state_.rooms_of_user(request.actor.user_id.str());
    const auto found = rooms->find(request.room_id);
    const std::string now = found == rooms->end() ? "" : found->second.membership;
    if (now.empty()) {
        co_await rooms_.version(request.room_id);
        throw MatrixError::forbidden(
            fmt::format("User {} is not in room {}", request.target, request.room_id));
    }
    if (now == "ban") throw MatrixError::forbidden("You are banned from this room");
    if (now == "leave") co_return found->second.event_id;
    auto content = request.content;
    co_return co_await send(std::move(request), "leave", std::move(content));
}

Task<proto::EventId> Membership::remove(MembershipRequest request) {
    co_await rooms_.version(request.room_id);
    co_await rooms_.require_joined(request.room_id, request.actor.user_id);
    const auto now = co_await rooms_.membership(request.room_id, request.target);
    if (request.action == MembershipAction::kUnban && now != "ban") {
        throw MatrixError{403, "M_BAD_STATE", fmt::format("{} is not banned from the room", request.target)};
    }
    if (request.action == MembershipAction::kKick && now == "ban") {
        throw MatrixError{403, "M_BAD_STATE",
                          fmt::format("{} is banned, and can only be unbanned", request.target)};
    }
    if (request.action == MembershipAction::kKick && now == "leave") {
        throw MatrixError::forbidden(fmt::format("{} is not in the room", request.target));
    }
    auto content = request.content;
    const auto* const membership = request.action == MembershipAction::kBan ? "ban" : "leave";
    co_return co_await send(std::move(request), membership, std::move(content));
}

Task<proto::EventId> Membership::send(MembershipRequest request, std::string_view membership,
                                      proto::json::object content, proto::json::object unsigned_data) {
    content["membership"] = membership;
    SendRequest out{proto::EventDraft{
        .room_id = request.room_id,
        .sender = request.actor.user_id,
        .type = std::string{event_type::kMember},
        .state_key = request.target.str(),
        .content = std::move(content),
        .redacts = std::nullopt,
        .origin_server_ts = request.actor.at_ms.value_or(clock_.now_ms()),
        .unsigned_data = std::move(unsigned_data),
    }};
    // Joins and invites have limits of their own.
    out.ratelimit = request.action != MembershipAction::kJoin && request.action != MembershipAction::kInvite;
    const auto result = co_await sender_.send(std::move(out));
    co_await sender_.wait_for_event(result);
    co_return result.event_id;
}

Task<void> Membership::forget(Actor actor, proto::RoomId room_id) {
    const auto user_id = actor.user_id.str();
    const auto rooms = co_await state_.rooms_of_user(user_id);
    const auto found = rooms->find(room_id);
    if (found == rooms->end()) co_return;
    const auto& membership = found->second.membership;
    if (membership != "leave" && membership != "ban") {
        throw MatrixError::unknown(fmt::format("User {} is in room {}", user_id, room_id));
    }
    co_await store_.forget(user_id, room_id.str());
    state_.invalidate_user(user_id);
}

Task<std::vector<proto::RoomId>> Membership::joined_rooms(proto::UserId user_id) {
    const auto rooms = co_await state_.rooms_of_user(user_id.str());
    std::vector<proto::RoomId> out;
    for (const auto& [room_id, room] : *rooms) {
        if (room.membership == "join") out.push_back(room_id);
    }
    std::ranges::sort(out);
    co_return out;
}

Task<proto::json::object> Membership::with_profile(proto::UserId user_id, std::string_view membership,
                                                   proto::json::object content) {
    content["membership"] = membership;
    if (user_id.server_name() != server_name_) co_return content;
    const auto profile = co_await profiles_.get(std::string{user_id.localpart()});
    if (!profile) co_return content;
    // A null means that the client wants none here.
    if (profile->displayname && !content.contains("displayname"))
        content["displayname"] = *profile->displayname;
    if (profile->avatar_url && !content.contains("avatar_url")) content["avatar_url"] = *profile->avatar_url;
    co_return content;
}

void Membership::require_local_invitee(const proto::UserId& target) const {
    if (target.server_name() == server_name_) return;
    throw MatrixError::forbidden(
        fmt::format("Cannot invite {}: this server does not talk to {}", target, target.server_name()));
}

}  // namespace weft::handlers
