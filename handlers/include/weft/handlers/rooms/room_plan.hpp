#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weft/proto/event_builder.hpp"
#include "weft/proto/ids.hpp"
#include "weft/proto/room_version.hpp"

namespace weft::handlers {

enum class RoomPreset { kPrivateChat, kTrustedPrivateChat, kPublicChat };
enum class DirectoryVisibility { kPrivate, kPublic };

/// An entry of `initial_state`.
struct InitialState {
    std::string type;
    std::string state_key;
    proto::json::object content;
};

/// What a client asks for with POST /createRoom; shape checked, nothing else.
struct CreateRoomRequest {
    std::optional<RoomPreset> preset;
    DirectoryVisibility visibility = DirectoryVisibility::kPrivate;
    /// Empty: the configured default.
    std::string room_version;
    proto::json::object creation_content;
    std::vector<InitialState> initial_state;
    std::optional<std::string> name;
    std::optional<std::string> topic;
    std::optional<std::string> alias_localpart;
    proto::json::object power_level_override;
    std::vector<proto::UserId> invite;
    bool is_direct = false;
};

/// Where and by whom a room is made.
struct RoomPlanContext {
    RoomPlanContext(const proto::RoomVersion& of, proto::UserId by) : version{&of}, creator{std::move(by)} {}

    const proto::RoomVersion* version;
    proto::UserId creator;
    /// Content of the creator's join: name and avatar.
    proto::json::object creator_member;
    /// None where the create event makes the ID.
    std::optional<proto::RoomId> room_id;
    std::optional<proto::RoomAlias> alias;
    std::int64_t now_ms = 0;
};

/// The events of a new room but for the invites, in the order that the specification gives (client-server
/// API, POST /createRoom). Pure. Throws M_BAD_JSON where the request contradicts the room version.
std::vector<proto::EventDraft> plan_room(const CreateRoomRequest& request, const RoomPlanContext& context);

/// What the request says, or else what follows from its visibility.
RoomPreset preset_of(const CreateRoomRequest& request);
/// Content of m.room.create. Pure; throws as plan_room does.
proto::json::object create_content(const CreateRoomRequest& request, const RoomPlanContext& context);
/// Content of the first m.room.power_levels. Pure.
proto::json::object power_levels_content(const CreateRoomRequest& request, const RoomPlanContext& context);
/// Content of m.room.topic: the plain text in both of its forms. Pure.
proto::json::object topic_content(const std::string& topic);

}  // namespace weft::handlers
