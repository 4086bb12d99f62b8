#include "weft/rest/client/create_room.hpp"

#include "client/room_params.hpp"
#include "client/third_party_invitee.hpp"
#include "weft/core/errors.hpp"
#include "weft/core/log.hpp"
#include "weft/proto/json.hpp"

namespace weft::rest {

namespace json = boost::json;
using core::MatrixError;
using handlers::CreateRoomRequest;
using handlers::RoomPreset;

namespace {

constexpr std::size_t kThirdPartyInvitesMax = 20;

const json::array& array_of(const json::object& body, std::string_view key) {
    static const json::array kNone;
    const auto* const value = proto::find(body, key);
    if (!value || value->is_null()) return kNone;
    if (!value->is_array()) throw MatrixError::bad_json(fmt::format("'{}' must be a list", key));
    return value->get_array();
}

std::optional<RoomPreset> preset_in(const json::object& body) {
    const auto text = optional_string(body, "preset");
    if (!text) return std::nullopt;
    if (*text == "private_chat") return RoomPreset::kPrivateChat;
    if (*text == "trusted_private_chat") return RoomPreset::kTrustedPrivateChat;
    if (*text == "public_chat") return RoomPreset::kPublicChat;
    throw MatrixError::invalid_param(fmt::format("'{}' is not a preset", *text));
}

handlers::DirectoryVisibility visibility_in(const json::object& body) {
    const auto text = optional_string(body, "visibility").value_or("private");
    if (text == "private") return handlers::DirectoryVisibility::kPrivate;
    if (text == "public") return handlers::DirectoryVisibility::kPublic;
    throw MatrixError::invalid_param(fmt::format("'{}' is not a visibility", text));
}

handlers::InitialState initial_state_of(const json::value& value) {
    const auto* const entry = value.if_object();
    if (!entry) throw MatrixError::bad_json("'initial_state' must be a list of state events");
    auto type = optional_string(*entry, "type");
    if (!type) throw MatrixError::bad_json("An event of 'initial_state' has no type");
    if (!proto::get_object(*entry, "content")) {
        throw MatrixError::bad_json("An event of 'initial_state' has no content");
    }
    auto state_key = optional_string(*entry, "state_key").value_or("");
    if (type->find('\0') != std::string::npos || state_key.find('\0') != std::string::npos) {
        throw MatrixError::invalid_param("A type or state key of 'initial_state' holds a NUL character");
    }
    return {.type = std::move(*type),
            .state_key = std::move(state_key),
            .content = optional_object(*entry, "content")};
}

proto::UserId invitee_of(const json::value& value) {
    const auto* const text = value.if_string();
    if (!text) throw MatrixError::bad_json("'invite' must be a list of user IDs");
    const auto user_id = proto::UserId::parse(*text);
    if (!user_id) throw MatrixError::invalid_param(user_id.error().message);
    return *user_id;
}

std::vector<handlers::ThirdPartyInvitee> parse_third_party_invitees(const json::object& body) {
    std::vector<handlers::ThirdPartyInvitee> out;
    for (const auto& entry : array_of(body, "invite_3pid")) {
        const auto* const invitee = entry.if_object();
        if (!invitee) throw MatrixError::bad_json("'invite_3pid' must be a list of objects");
        out.push_back(third_party_invitee_in(*invitee));
    }
    if (out.size() > kThirdPartyInvitesMax)
        throw MatrixError::invalid_param(fmt::format("At most {} addresses can be invited at once", kThirdPartyInvitesMax));
    return out;
}

}  // namespace

CreateRoomRequest parse_create_room(const json::object& body) {
    CreateRoomRequest out;
    out.preset = preset_in(body);
    out.visibility = visibility_in(body);
    out.room_version = optional_string(body, "room_version").value_or("");
    out.creation_content = optional_object(body, "creation_content");
    for (const auto& entry : array_of(body, "initial_state"))
        out.initial_state.push_back(initial_state_of(entry));
    out.name = optional_string(body, "name");
    out.topic = optional_string(body, "topic");
    out.alias_localpart = optional_string(body, "room_alias_name");
    out.power_level_override = optional_object(body, "power_level_content_override");
    for (const auto& entry : array_of(body, "invite")) out.invite.push_back(invitee_of(entry));
    out.is_direct = optional_bool(body, "is_direct").value_or(false);
    return out;
}

void CreateRoomEndpoints::register_on(http::Router& router) {
    router.add(http::Endpoint{.method = http::Method::kPost,
                              .paths = http::client_paths("/createRoom"),
                              .operation = "createRoom",
                              .auth = http::Auth::kAccessToken,
                              .workers = kOnEventPersister,
                              .refused_to_suspended = true},
               std::bind_front(&CreateRoomEndpoints::post, this));
}

Task<http::Response> CreateRoomEndpoints::post(http::Request request) {
    const auto body = request.json_body();
    auto wanted = parse_create_room(body);
    auto invitees = parse_third_party_invitees(body);
    const auto created = co_await rooms_.create(actor_of(request), std::move(wanted));
    // The room is there: that somebody could not be invited to it does not undo that.
    for (auto& invitee : invitees) {
        try {
            co_await third_party_invites_.invite(actor_of(request), created.room_id, std::move(invitee));
        } catch (const MatrixError& error) {
            core::log_info("rooms", "somebody is not invited to the new room {}: {}", created.room_id, error.what());
        }
    }
    json::object out{{"room_id", created.room_id.str()}};
    if (created.alias) out["room_alias"] = created.alias->str();
    co_return http::Response::json(out);
}

}  // namespace weft::rest
