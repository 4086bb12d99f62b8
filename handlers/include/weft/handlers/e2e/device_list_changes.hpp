#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "weft/core/task.hpp"
#include "weft/handlers/sync/sync_token.hpp"
#include "weft/storage/device_store.hpp"
#include "weft/storage/events_store.hpp"
#include "weft/storage/state_store.hpp"
#include "weft/storage/user_signature_store.hpp"

namespace weft::handlers {

class RoomMembership;

/// Whose devices a client has to look at again, and whose no more, for a client that was away so long that it
/// began with a new /sync (GET /keys/changes).
class DeviceListChanges {
public:
    DeviceListChanges(storage::DeviceStore& devices, storage::UserSignatureStore& user_signatures,
                      storage::EventsStore& events, storage::StateStore& states,
                      storage::StreamState& events_stream);
    ~DeviceListChanges();

    struct Changes {
        std::set<std::string> changed;
        std::set<std::string> left;  // users who share no room with the user any more
    };
    /// From the token to now. More than necessary may be named as changed, but never less.
    Task<Changes> since(std::string user_id, SyncToken from);

private:
    struct People {
        std::set<std::string> met;     // share a room now
        std::set<std::string> parted;  // left a room, or were left behind in one
    };
    Task<People> people_since(std::string user_id, storage::WriterPositions from);
    Task<void> add_of_room(proto::RoomId room_id, bool newly_joined, storage::WriterPositions from, storage::WriterPositions now,
                           People& people);
    Task<void> add_left_behind(proto::EventId leave, People& people);

    storage::DeviceStore& devices_;
    storage::UserSignatureStore& user_signatures_;
    storage::EventsStore& events_;
    storage::StateStore& states_;
    storage::StreamState& events_stream_;
    std::unique_ptr<RoomMembership> membership_;
};

}  // namespace weft::handlers
