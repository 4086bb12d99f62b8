#pragma once

#include <string>
#include <vector>

#include "weft/core/task.hpp"
#include "weft/proto/event.hpp"
#include "weft/proto/power_levels.hpp"
#include "weft/storage/events_store.hpp"
#include "weft/storage/state_store.hpp"

namespace weft::handlers {

/// What the rules of rooms ask about a room's current state, at this process's position of the events stream.
/// The last word has the process that owns the room, when it authorizes an event: these answers make better
/// error texts and spare needless events.
class RoomReader {
public:
    RoomReader(storage::StateStore& state, storage::EventsStore& events);

    /// Never null. Throws M_NOT_FOUND if this server does not know the room.
    Task<const proto::RoomVersion*> version(proto::RoomId room_id);
    /// Empty if no local user is in the room.
    Task<storage::RoomStatePtr> state(proto::RoomId room_id);
    /// join, invite, knock, ban; "leave" also for strangers.
    Task<std::string> membership(proto::RoomId room_id, proto::UserId user_id);
    /// Throws M_FORBIDDEN unless the user is joined.
    Task<void> require_joined(proto::RoomId room_id, proto::UserId user_id);
    /// Content of a state event, empty if there is none.
    Task<proto::json::object> content(proto::RoomId room_id, std::string_view type);
    Task<proto::PowerLevels> power_levels(proto::RoomId room_id);

    /// Stripped state for somebody outside (client-server API, "Stripped state"), with the member event of
    /// `about` if they have one.
    Task<proto::json::array> stripped_state(proto::RoomId room_id, proto::UserId about);

private:
    storage::StateStore& state_;
    storage::EventsStore& events_;
};

}  // namespace weft::handlers
