#pragma once

#include <optional>
#include <string>

#include "weft/handlers/reading/visibility_rules.hpp"
#include "weft/storage/events_store.hpp"
#include "weft/storage/state_store.hpp"

namespace weft::handlers {

/// What a user may read of a room as a whole. Which of its events they see is decided one by one
/// (Visibility).
struct ReadAccess {
    RoomStanding standing;
    /// The room's history is open to everybody now.
    bool world_readable = false;

    /// Not a member, and the room shows itself only up to the end of their stay.
    bool ends_with_stay() const { return standing.former && !world_readable; }
};

/// Decides who may read a room at all. Logic thread only.
class RoomAccess {
public:
    RoomAccess(storage::EventsStore& events, storage::StateStore& states)
        : events_{events}, states_{states} {}

    /// For members, former members, and everybody where the history is open to the world. Throws M_FORBIDDEN
    /// for all others, also if there is no such room: whether there is one is not theirs to know.
    Task<ReadAccess> require(std::string user_id, proto::RoomId room_id);
    /// Throws M_FORBIDDEN unless the user is joined now.
    Task<void> require_joined(std::string user_id, proto::RoomId room_id);

    Task<RoomStanding> standing(std::string user_id, proto::RoomId room_id);

private:
    Task<std::optional<RoomStanding::FormerStay>> former_stay(std::string user_id,
                                                              proto::EventId membership_event);
    Task<proto::EventPtr> membership_before(std::string user_id, proto::EventPtr event);

    storage::EventsStore& events_;
    storage::StateStore& states_;
};

}  // namespace weft::handlers
