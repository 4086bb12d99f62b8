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
        bool joined_throughout = false;  // from the client's token to now: each event can be seen
    };
    struct Left {
        proto::RoomId room_id;
        proto::EventId event_id;
        storage::WriterPositions until;           // the end of the stay
        storage::WriterPositions shown_from = 0;  // what is older the client has
        bool was_joined = false;      // before, or at some time since the client's token; not of forgotten rooms
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

    Task<SyncRooms> initial(std::string user_id, storage::UserRoomsPtr rooms, storage::WriterPositions now, bool include_leave);
    Task<SyncRooms> since(std::string user_id, storage::UserRoomsPtr rooms, storage::WriterPositions from, storage::WriterPositions now);
    /// May a membership of the user have changed after the token?
    bool may_have_changed(const std::string& user_id, const storage::WriterPositions& from) const;

private:
    using Changes = std::vector<storage::EventsStore::MembershipChange>;
    /// Changes after `from` up to `now`, and those after it that are known already, by room and oldest first.
    struct ChangesOfUser {
        std::map<proto::RoomId, Changes> until_now;
        std::map<proto::RoomId, Changes> later;
    };
    Task<ChangesOfUser> changes_of(std::string user_id, storage::UserRoomsPtr rooms, storage::WriterPositions from,
                                   storage::WriterPositions now);
    Task<void> add_changed(SyncRooms& out, std::string user_id, storage::UserRoomsPtr rooms, const Changes& changes,
                           storage::WriterPositions from);
    Task<std::string> membership_before(proto::EventId member_event, std::string user_id);

    storage::EventsStore& events_;
    storage::StateStore& states_;
    storage::StreamState& stream_;
    core::StreamChangeCache changes_;
    bool started_ = false;
};

}  // namespace weft::handlers
