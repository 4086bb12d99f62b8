#include "weft/handlers/rooms/third_party_invites.hpp"

#include <vector>

#include "weft/core/errors.hpp"
#include "weft/proto/crypto.hpp"
#include "weft/proto/event_types.hpp"

namespace weft::handlers {

namespace event_type = proto::event_type;
namespace json = boost::json;
using core::MatrixError;

namespace {

/// A key of an m.room.third_party_invite.
struct AnnouncedKey {
    std::string text;
    std::string bytes;
    std::string validity_url;  // empty: it never ends
};

std::vector<AnnouncedKey> keys_of(const json::object& announced) {
    std::vector<AnnouncedKey> out;
    const auto add = [&out](const json::object& holder) {
        const auto text = proto::get_string(holder, "public_key");
        if (!text) return;
        // Identity servers send either alphabet.
        auto bytes = proto::base64_decode(*text);
        if (!bytes) bytes = proto::base64_url_decode(*text);
        if (!bytes) return;
        out.push_back({std::string{*text}, std::move(*bytes),
                       std::string{proto::get_string(holder, "key_validity_url").value_or("")}});
    };
    add(announced);
    if (const auto* list = proto::get_array(announced, "public_keys")) {
        for (const auto& item : *list) {
            if (const auto* holder = item.if_object()) add(*holder);
        }
    }
    return out;
}

bool is_signed_with(const json::object& proof, const std::string& key) {
    const auto* const signatures = proto::get_object(proof, "signatures");
    if (!signatures) return false;
    for (const auto& signer : *signatures) {
        const auto* const by_key = signer.value().if_object();
        if (!by_key) continue;
        for (const auto& signature : *by_key) {
            if (proto::verify_json(proof, signer.key(), signature.key(), key)) return true;
        }
    }
    return false;
}

}  // namespace

ThirdPartyInvites::ThirdPartyInvites(RoomReader& rooms, EventSender& sender, Membership& membership,
                                     storage::StateStore& state, IdentityServers& identity_servers,
                                     const core::Clock& clock, const core::Config& config)
    : rooms_{rooms},
      sender_{sender},
      membership_{membership},
      state_{state},
      identity_servers_{identity_servers},
      clock_{clock},
      server_name_{config.server_name},
      invites_{clock, config.rc_invites.per_room} {}

Task<void> ThirdPartyInvites::invite(Actor actor, proto::RoomId room_id, ThirdPartyInvitee invitee) {
    co_await rooms_.version(room_id);
    co_await rooms_.require_joined(room_id, actor.user_id);
    const auto levels = co_await rooms_.power_levels(room_id);
    if (levels.user_level(actor.user_id) < levels.invite())
        throw MatrixError::forbidden("You don't have permission to invite users");
    invites_.acquire(actor.user_id.str());
    if (auto user_id = co_await identity_servers_.lookup(invitee)) {
        MembershipRequest request{MembershipAction::kInvite, std::move(room_id), std::move(actor),
                                  std::move(*user_id)};
        co_await membership_.change(std::move(request));
        co_return;
    }
    co_await announce(std::move(actor), std::move(room_id), std::move(invitee));
}

Task<void> ThirdPartyInvites::announce(Actor actor, proto::RoomId room_id, ThirdPartyInvitee invitee) {
    auto stored = co_await identity_servers_.store_invite(std::move(invitee), co_await about(actor, room_id));
    SendRequest request{proto::EventDraft{
        .room_id = std::move(room_id),
        .sender = actor.user_id,
        .type = std::string{event_type::kThirdPartyInvite},
        .state_key = std::move(stored.token),
        .content = std::move(stored.content),
        .redacts = std::nullopt,
        .origin_server_ts = clock_.now_ms(),
    }};
    const auto result = co_await sender_.send(std::move(request));
    co_await sender_.wait_for_event(result);
}

/// Tells the identity server what it can write in its mail.
Task<json::object> ThirdPartyInvites::about(Actor actor, proto::RoomId room_id) {
    json::object out{{"room_id", room_id.str()}, {"sender", actor.user_id.str()}};
    const auto take = [&out](const json::object& content, std::string_view member, std::string_view as) {
        if (const auto text = proto::get_string(content, member)) out[as] = *text;
    };
    take(co_await rooms_.content(room_id, event_type::kCanonicalAlias), "alias", "room_alias");
    take(co_await rooms_.content(room_id, event_type::kAvatar), "url", "room_avatar_url");
    take(co_await rooms_.content(room_id, event_type::kJoinRules), "join_rule", "room_join_rules");
    take(co_await rooms_.content(room_id, event_type::kName), "name", "room_name");
    take(co_await rooms_.content(room_id, event_type::kCreate), "type", "room_type");
    const auto profile = co_await membership_.with_profile(actor.user_id, "join", {});
    take(profile, "displayname", "sender_display_name");
    take(profile, "avatar_url", "sender_avatar_url");
    co_return out;
}

Task<void> ThirdPartyInvites::redeem(proto::UserId user_id, proto::RoomId room_id, json::object proof) {
    const auto token = proto::get_string(proof, "token");
    if (!token || proto::get_string(proof, "mxid") != user_id.str())
        throw MatrixError::forbidden("The proof is not about this user");
    co_await rooms_.version(room_id);
    const auto now = co_await rooms_.membership(room_id, user_id);
    if (now == "invite" || now == "join") co_return;
    const auto announced = co_await state_.current_event(room_id, std::string{event_type::kThirdPartyInvite},
                                                         std::string{*token});
    // A revoked one has no content.
    if (!announced || !proto::get_string(announced->content(), "display_name"))
        throw MatrixError::forbidden("There is no such invitation");
    const auto inviter = announced->sender();
    if (inviter.server_name() != server_name_)
        throw MatrixError::forbidden("This server does not talk to that of the inviter");
    co_await require_valid_key(announced->content(), proof);

    json::object content{{"third_party_invite",
                          {{"display_name", *proto::get_string(announced->content(), "display_name")},
                           {"signed", std::move(proof)}}}};
    SendRequest request{proto::EventDraft{
        .room_id = room_id,
        .sender = inviter,
        .type = std::string{event_type::kMember},
        .state_key = user_id.str(),
        .content = co_await membership_.with_profile(user_id, "invite", std::move(content)),
        .redacts = std::nullopt,
        .origin_server_ts = clock_.now_ms(),
    }};
    request.draft.unsigned_data["invite_room_state"] = co_await rooms_.stripped_state(room_id, inviter);
    request.ratelimit = false;  // its announcement has been counted
    const auto result = co_await sender_.send(std::move(request));
    co_await sender_.wait_for_event(result);
}

/// The auth rules look at the signature; whether its key still counts only the identity server knows.
Task<void> ThirdPartyInvites::require_valid_key(json::object announced, json::object proof) {
    for (const auto& key : keys_of(announced)) {
        if (!is_signed_with(proof, key.bytes)) continue;
        if (key.validity_url.empty() || co_await identity_servers_.is_valid(key.validity_url, key.text))
            co_return;
    }
    throw MatrixError::forbidden("No key of the invitation has signed this, or none that is still valid");
}

}  // namespace weft::handlers
