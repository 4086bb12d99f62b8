#pragma once

#include <string>
#include <vector>

#include "weft/storage/erased_user_store.hpp"
#include "weft/storage/events_store.hpp"
#include "weft/storage/state_store.hpp"

namespace weft::handlers {

/// Which events of a room a user may see (client-server API, "Room history visibility"): by the room's
/// history visibility and the user's membership at the event, and what the user is now.
class Visibility {
public:
    Visibility(storage::EventsStore& events, storage::StateStore& states, storage::ErasedUserStore& erased)
        : events_{events}, states_{states}, erased_{erased} {}

    /// Those of `events` (all of one room) that the user may see, in the same order. A handful of queries
    /// whatever their number. Soft-failed and rejected events are never visible. Of what erased users
    /// wrote, somebody who was not in the room at the time gets what a redaction leaves.
    Task<std::vector<storage::StoredEventPtr>> visible(std::string user_id,
                                                       std::vector<storage::StoredEventPtr> events);

private:
    /// Without a look at single events: whether a member sees all of these for certain.
    Task<bool> sees_all(proto::RoomId room_id, const std::vector<storage::StoredEventPtr>& events);

    storage::EventsStore& events_;
    storage::StateStore& states_;
    storage::ErasedUserStore& erased_;
};

}  // namespace weft::handlers
