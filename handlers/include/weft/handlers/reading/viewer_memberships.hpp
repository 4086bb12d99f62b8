#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "weft/storage/events_store.hpp"
#include "weft/storage/state_store.hpp"

namespace weft::handlers {

/// What a user was to a room when each of some events came, for `unsigned.membership` (client-server API, "Room event
/// format"). An event of the user's own membership has what it made of them.
class ViewerMemberships {
public:
    /// Empty if that is not known.
    std::string_view at(const proto::Event& event) const;

    struct Stay {
        std::string membership;
        std::int64_t since;  // stream ordering
    };
    /// Newest first.
    std::unordered_map<proto::RoomId, std::vector<Stay>> rooms;
};

/// Without a look at any event for what came since the user's membership last changed. For older events the user's
/// membership events are followed back, in the order of the stream: where a room has forked that is a good guess.
Task<std::shared_ptr<const ViewerMemberships>> viewer_memberships(storage::StateStore& states, storage::EventsStore& events,
                                                                  std::string user_id,
                                                                  const std::vector<storage::StoredEventPtr>& shown);

}  // namespace weft::handlers
