#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "weft/core/stream_change_cache.hpp"
#include "weft/storage/events_store.hpp"
#include "weft/storage/state_store.hpp"
#include "weft/storage/stream_state.hpp"

namespace weft::handlers {

/// The rooms of a sync, by what the user is in them.
struct SyncRooms {
    struct Joined {
        proto::RoomId room_id;
        bool newly = false;              // since the client's token: shown from the start
        bool joined_throughout = false;  // the present membership event is older than all that can be new
    };
    struct Left {
        proto::RoomId room_id;
        proto::EventId event_id;
        std::int64_t stream_ordering;
        std::int64_t shown_from = 0;  // what is older the client has
    };
    struct Pending {
        proto::RoomId room_id;
        proto::EventId event_id;
    };
    std::vector<Joined> joined;
    std::vector<Left> left;
    std::vector<Pending> invited;
    std::vector<Pending> knocked;
};

/// Sorts a user's rooms for a sync. Asks the database only if a membership of the user changed since the token.
class RoomMembership {
public:
    RoomMembership(storage::EventsStore& events, storage::StateStore& states, storage::StreamState& stream);

    Task<SyncRooms> initial(storage::UserRoomsPtr rooms, std::int64_t now, bool include_leave);
    Task<SyncRooms> since(std::string user_id, storage::UserRoomsPtr rooms, std::int64_t from, std::int64_t now, bool include_leave);
    /// May a membership of the user have changed after the token?
    bool may_have_changed(const std::string& user_id, std::int64_t from) const;

private:
    Task<std::string> membership_before(proto::EventId member_event, std::string user_id);

    storage::EventsStore& events_;
    storage::StateStore& states_;
    storage::StreamState& stream_;
    core::StreamChangeCache changes_;
    bool started_ = false;
};

}  // namespace weft::handlers
