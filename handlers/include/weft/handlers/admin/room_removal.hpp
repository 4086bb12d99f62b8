#pragma once

#include <optional>
#include <string>

#include "weft/core/config.hpp"
#include "weft/handlers/admin/admin_tasks.hpp"
#include "weft/handlers/event_sender.hpp"
#include "weft/handlers/rooms/create_room.hpp"
#include "weft/handlers/rooms/room_visibility.hpp"
#include "weft/storage/admin_room_store.hpp"
#include "weft/storage/user_store.hpp"

namespace weft::handlers {

/// What shall become of a room.
struct RoomRemovalRequest {
    std::string room_id;
    std::string requested_by;
    /// Somebody whose room takes in those who were in this one.
    std::optional<std::string> new_room_user_id;
    std::string room_name = "Content Violation Notification";
    std::string message =
        "Sharing illegal content on this server is not permitted and rooms in violation will be blocked.";
    bool block = false;
    bool purge = true;
};

struct HistoryPurgeRequest {
    std::string room_id;
    std::int64_t depth = 0;  // what is below goes
    bool with_local = false;
};

/// Removes rooms and old history, step by step in admin tasks: everybody of this server leaves, aliases and
/// the place in the directory go, then all that the database knows. Runs in the master.
class RoomRemoval {
public:
    static constexpr auto kShutdownAction = "delete_room";
    static constexpr auto kPurgeHistoryAction = "purge_history";

    RoomRemoval(AdminTasks& tasks, storage::AdminRoomStore& rooms, storage::UserStore& users,
                EventSender& sender, CreateRoom& create_room, RoomVisibility& visibility,
                const core::Config& config);

    /// The ID to ask for the status with. Throws MatrixError: M_INVALID_PARAM, M_UNKNOWN where it is under
    /// way.
    Task<std::string> start(RoomRemovalRequest request);
    /// Returns when it is done: kicked_users, failed_to_kick_users, local_aliases, new_room_id.
    Task<boost::json::object> perform(RoomRemovalRequest request);
    Task<std::string> start_history_purge(HistoryPurgeRequest request);

private:
    Task<void> check(const RoomRemovalRequest& request);
    Task<void> remove(AdminTasks::Run& run);
    Task<void> make_new_room(AdminTasks::Run& run);
    Task<void> take_out(AdminTasks::Run& run, std::string user_id, bool has_left);
    Task<void> purge_history(AdminTasks::Run& run);

    AdminTasks& tasks_;
    storage::AdminRoomStore& rooms_;
    storage::UserStore& users_;
    EventSender& sender_;
    CreateRoom& create_room_;
    RoomVisibility& visibility_;
    const core::Config& config_;
};

}  // namespace weft::handlers
