#pragma once

#include <string>

#include "weft/handlers/event_router.hpp"
#include "weft/replication/rpc.hpp"
#include "weft/storage/room_store.hpp"
#include "weft/storage/state_store.hpp"

namespace weft::handlers {

/// Calls of Synapse 1.15's workers that none of ours makes (replication.md §6): `membership_change`,
/// `locally_reject_invite`, `store_room_on_invite`, `user_device_resync`. What they say twice, since it
/// follows from the streams, is checked and answered.
class SynapseCalls {
public:
    SynapseCalls(EventRouter& events, storage::StateStore& states, storage::RoomStore& rooms,
                 std::string server_name)
        : events_{events}, states_{states}, rooms_{rooms}, server_name_{std::move(server_name)} {}

    void serve(replication::RpcServer& server);

private:
    /// The user turns an invite down. In a room that this server is in, by an event; of an invite that came
    /// from outside, and whose room cannot be told, only the mark goes. Returns the token of the events
    /// stream.
    Task<std::int64_t> reject_invite(std::string room_id, std::string user_id);
    Task<void> store_room(std::string room_id, std::string room_version);
    void check_membership_change(const std::string& room_id, const std::string& user_id,
                                 const std::string& change) const;
    bool is_own_user(const std::string& user_id) const;

    EventRouter& events_;
    storage::StateStore& states_;
    storage::RoomStore& rooms_;
    std::string server_name_;
};

}  // namespace weft::handlers
