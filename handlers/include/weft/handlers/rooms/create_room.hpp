#pragma once

#include <string>

#include "weft/core/clock.hpp"
#include "weft/core/config.hpp"
#include "weft/handlers/event_sender.hpp"
#include "weft/handlers/rooms/actor.hpp"
#include "weft/handlers/rooms/membership.hpp"
#include "weft/handlers/rooms/room_directory.hpp"
#include "weft/handlers/rooms/room_plan.hpp"
#include "weft/handlers/rooms/room_visibility.hpp"

namespace weft::handlers {

/// POST /createRoom: the room's first events in one piece, then its alias, its place in the directory and the
/// invites. Logic thread only.
class CreateRoom {
public:
    CreateRoom(EventSender& sender, Membership& membership, RoomDirectory& directory,
               RoomVisibility& visibility, const core::Clock& clock, const core::Config& config);

    struct Created {
        explicit Created(proto::RoomId id) : room_id{std::move(id)} {}
        proto::RoomId room_id;
        std::optional<proto::RoomAlias> alias;
    };
    /// When it returns the room is visible in this process. Throws MatrixError: M_UNSUPPORTED_ROOM_VERSION,
    /// M_ROOM_IN_USE, M_INVALID_ROOM_STATE, M_INVALID_PARAM, M_BAD_JSON, M_FORBIDDEN, M_LIMIT_EXCEEDED.
    Task<Created> create(Actor creator, CreateRoomRequest request);

    /// Makes a room from these events, the first being m.room.create, and waits until it is visible here.
    Task<proto::RoomId> start(const proto::RoomVersion& version, std::vector<proto::EventDraft> events);

private:
    Task<std::optional<proto::RoomAlias>> free_alias(Actor creator, const CreateRoomRequest& request);
    Task<void> claim_alias(Actor creator, proto::RoomAlias alias, proto::RoomId room_id);

    EventSender& sender_;
    Membership& membership_;
    RoomDirectory& directory_;
    RoomVisibility& visibility_;
    const core::Clock& clock_;
    std::string server_name_;
    std::string default_room_version_;
};

/// A fresh room ID of this server, for rooms whose create event does not make it.
proto::RoomId new_room_id(const std::string& server_name);

}  // namespace weft::handlers
