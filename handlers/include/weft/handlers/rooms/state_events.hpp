#pragma once

#include <string>
#include <vector>

#include "weft/core/clock.hpp"
#include "weft/handlers/event_sender.hpp"
#include "weft/handlers/rooms/actor.hpp"
#include "weft/handlers/rooms/membership.hpp"
#include "weft/handlers/rooms/room_directory.hpp"
#include "weft/handlers/rooms/room_reader.hpp"

namespace weft::handlers {

struct StateRequest {
    StateRequest(proto::RoomId room, Actor who) : room_id{std::move(room)}, actor{std::move(who)} {}

    proto::RoomId room_id;
    Actor actor;
    std::string type;
    std::string state_key;
    proto::json::object content;
};

/// State events that clients set (client-server API, PUT /rooms/{roomId}/state). Logic thread only.
class StateEvents {
public:
    StateEvents(RoomReader& rooms, EventSender& sender, Membership& membership, RoomDirectory& directory,
                const core::Clock& clock);

    /// Sets the state, or leaves it if its content is this already; its event is visible in this process
    /// then. Throws MatrixError: M_FORBIDDEN, M_NOT_FOUND, M_BAD_ALIAS, M_INVALID_PARAM, M_BAD_JSON,
    /// M_TOO_LARGE, M_LIMIT_EXCEEDED.
    Task<proto::EventId> put(StateRequest request);

private:
    Task<void> check_new_aliases(StateRequest request);
    Task<void> check_creators(StateRequest request);

    RoomReader& rooms_;
    EventSender& sender_;
    Membership& membership_;
    RoomDirectory& directory_;
    const core::Clock& clock_;
};

/// The aliases that m.room.canonical_alias content names and the content before did not. Pure. Throws
/// M_INVALID_PARAM where one is not an alias.
std::vector<proto::RoomAlias> new_aliases(const proto::json::object& content,
                                          const proto::json::object& before);

}  // namespace weft::handlers
