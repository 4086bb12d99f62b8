#pragma once

#include <optional>
#include <string>

#include <boost/json/object.hpp>

#include "weft/core/config.hpp"
#include "weft/handlers/event_sender.hpp"
#include "weft/handlers/rooms/membership.hpp"
#include "weft/handlers/rooms/room_reader.hpp"
#include "weft/storage/admin_room_store.hpp"
#include "weft/storage/events_store.hpp"
#include "weft/storage/state_store.hpp"

namespace weft::handlers {

/// Rooms as administrators see them, in the shapes of Synapse's admin API.
class RoomAdmin {
public:
    RoomAdmin(storage::AdminRoomStore& rooms, storage::EventsStore& events, storage::StateStore& states,
              RoomReader& reader, Membership& membership, EventSender& sender, const core::Config& config)
        : rooms_{rooms},
          events_{events},
          states_{states},
          reader_{reader},
          membership_{membership},
          sender_{sender},
          config_{config} {}

    /// rooms, offset, total_rooms and, where there are such pages, next_batch and prev_batch.
    Task<boost::json::object> list(storage::RoomPageQuery query);
    /// Throws MatrixError 404 M_NOT_FOUND. So do all below.
    Task<boost::json::object> details(std::string room_id);
    Task<boost::json::object> members(std::string room_id);
    /// All state events, JSON text.
    Task<std::string> state(std::string room_id, std::string asked_by);
    /// Gives the user all power that a member of this server can give, and invites them if they cannot join
    /// by themselves. Throws 400 M_UNKNOWN where no such member is left.
    Task<void> make_admin(proto::RoomId room_id, proto::UserId user_id);
    /// Joins a user of this server, by whatever way is open.
    Task<void> join(proto::RoomId room_id, proto::UserId user_id, Actor admin);

    /// block and, if it is, user_id; also for unknown rooms.
    Task<boost::json::object> block_status(std::string room_id);
    Task<void> set_blocked(std::string room_id, std::string by, bool blocked);
    /// Depth below which history is old: of an event, or at a time. Throws M_NOT_FOUND.
    Task<std::int64_t> depth_of(std::string room_id, std::optional<std::string> event_id,
                                std::optional<std::int64_t> time_ms);
    Task<void> require_room(std::string room_id);

private:
    Task<proto::UserId> strongest_local_member(proto::RoomId room_id);

    storage::AdminRoomStore& rooms_;
    storage::EventsStore& events_;
    storage::StateStore& states_;
    RoomReader& reader_;
    Membership& membership_;
    EventSender& sender_;
    const core::Config& config_;
};

}  // namespace weft::handlers
