#pragma once

#include <optional>
#include <string>
#include <vector>

#include "weft/handlers/reading/room_access.hpp"
#include "weft/handlers/reading/visibility.hpp"
#include "weft/storage/events_store.hpp"
#include "weft/storage/state_store.hpp"

namespace weft::handlers {

/// Which membership events of a room are wanted. Both conditions together: either of them is enough.
struct MembersQuery {
    MembersQuery(std::string user, proto::RoomId room) : user_id{std::move(user)}, room_id{std::move(room)} {}

    bool wants(std::string_view membership_of_member) const;

    std::string user_id;
    proto::RoomId room_id;
    /// The point in the room's history; none: now.
    std::optional<storage::RoomToken> at;
    std::optional<std::string> membership;
    std::optional<std::string> not_membership;
};

/// The state of rooms as users may read it: the current one, and for former members that at the end of their
/// stay (client-server API, GET /rooms/{roomId}/state, /members, /joined_members). Logic thread only.
class RoomStateReader {
public:
    RoomStateReader(storage::EventsStore& events, storage::StateStore& states, RoomAccess& access,
                    Visibility& visibility)
        : events_{events}, states_{states}, access_{access}, visibility_{visibility} {}

    /// Throws M_FORBIDDEN.
    Task<std::vector<storage::StoredEventPtr>> state(std::string user_id, proto::RoomId room_id);
    /// Throws M_FORBIDDEN, M_NOT_FOUND.
    Task<storage::StoredEventPtr> state_event(std::string user_id, proto::RoomId room_id,
                                              proto::StateKey key);
    /// Throws M_FORBIDDEN, also for a point that the user may not see.
    Task<std::vector<storage::StoredEventPtr>> members(MembersQuery query);
    /// For members only. Throws M_FORBIDDEN.
    Task<std::vector<storage::StoredEventPtr>> joined_members(std::string user_id, proto::RoomId room_id);

private:
    Task<storage::StateMapPtr> readable_state(std::string user_id, proto::RoomId room_id);
    Task<storage::StateMapPtr> state_at_end_of(RoomStanding::FormerStay stay);
    Task<storage::StateMapPtr> state_at(std::string user_id, proto::RoomId room_id, ReadAccess access,
                                        storage::RoomToken at);

    storage::EventsStore& events_;
    storage::StateStore& states_;
    RoomAccess& access_;
    Visibility& visibility_;
};

}  // namespace weft::handlers
