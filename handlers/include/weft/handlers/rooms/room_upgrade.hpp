#pragma once

#include <string>
#include <vector>

#include "weft/core/clock.hpp"
#include "weft/core/linearizer.hpp"
#include "weft/handlers/event_sender.hpp"
#include "weft/handlers/rooms/actor.hpp"
#include "weft/handlers/rooms/create_room.hpp"
#include "weft/handlers/rooms/membership.hpp"
#include "weft/handlers/rooms/room_reader.hpp"
#include "weft/handlers/rooms/room_visibility.hpp"
#include "weft/storage/events_store.hpp"
#include "weft/storage/room_directory_store.hpp"
#include "weft/storage/room_store.hpp"

namespace weft::handlers {

/// Replaces a room by one of another version (client-server API, "Room Upgrades"). Logic thread only.
class RoomUpgrade {
public:
    RoomUpgrade(RoomReader& rooms, EventSender& sender, CreateRoom& create, Membership& membership,
                RoomVisibility& visibility, storage::EventsStore& events, storage::RoomStore& store,
                storage::RoomDirectoryStore& directory, const core::Clock& clock, std::string server_name);

    /// The replacement room. Throws MatrixError: M_UNSUPPORTED_ROOM_VERSION, M_FORBIDDEN, M_NOT_FOUND.
    Task<proto::RoomId> upgrade(Actor actor, proto::RoomId room_id, std::string new_version,
                                std::vector<proto::UserId> additional_creators);

private:
    Task<std::vector<proto::EventPtr>> state_of(proto::RoomId room_id);
    Task<void> close(Actor actor, proto::RoomId old_room, proto::RoomId new_room);
    Task<void> move_names(Actor actor, proto::RoomId old_room, proto::RoomId new_room);
    Task<void> send_state(Actor actor, proto::RoomId room_id, std::string_view type,
                          proto::json::object content);
    /// The same, where the upgrade is a success without it.
    Task<void> try_state(Actor actor, proto::RoomId room_id, std::string_view type,
                         proto::json::object content);

    RoomReader& rooms_;
    EventSender& sender_;
    CreateRoom& create_;
    Membership& membership_;
    RoomVisibility& visibility_;
    storage::EventsStore& events_;
    storage::RoomStore& store_;
    storage::RoomDirectoryStore& directory_;
    const core::Clock& clock_;
    std::string server_name_;
    core::Linearizer upgrades_{"room_upgrade"};
};

}  // namespace weft::handlers
