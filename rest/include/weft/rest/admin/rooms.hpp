#pragma once

#include "weft/core/task.hpp"
#include "weft/handlers/admin/admin_tasks.hpp"
#include "weft/handlers/admin/room_admin.hpp"
#include "weft/handlers/admin/room_removal.hpp"
#include "weft/handlers/rooms/room_directory.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// Rooms in the admin API: lists, details, removal, blocking, history.
class AdminRoomEndpoints {
public:
    AdminRoomEndpoints(handlers::RoomAdmin& rooms, handlers::RoomRemoval& removal,
                       handlers::AdminTasks& tasks, handlers::RoomDirectory& directory)
        : rooms_{rooms}, removal_{removal}, tasks_{tasks}, directory_{directory} {}
    void register_on(http::Router& router);

private:
    using Function = Task<http::Response> (AdminRoomEndpoints::*)(http::Request);
    void add(http::Router& router, http::Method method, std::vector<std::string> tails, std::string operation,
             Function function);

    Task<http::Response> get_rooms(http::Request request);
    Task<http::Response> get_room(http::Request request);
    Task<http::Response> get_members(http::Request request);
    Task<http::Response> get_state(http::Request request);
    Task<http::Response> delete_room(http::Request request);
    Task<http::Response> start_delete_room(http::Request request);
    Task<http::Response> get_delete_status(http::Request request);
    Task<http::Response> get_delete_status_of_room(http::Request request);
    Task<http::Response> get_block(http::Request request);
    Task<http::Response> put_block(http::Request request);
    Task<http::Response> post_make_admin(http::Request request);
    Task<http::Response> post_join(http::Request request);
    Task<http::Response> post_purge_history(http::Request request);
    Task<http::Response> post_purge_history_to_event(http::Request request);
    Task<http::Response> get_purge_status(http::Request request);

    Task<http::Response> start_purge(http::Request request, std::optional<std::string> event_id);
    Task<handlers::RoomRemovalRequest> removal_in(const http::Request& request);

    handlers::RoomAdmin& rooms_;
    handlers::RoomRemoval& removal_;
    handlers::AdminTasks& tasks_;
    handlers::RoomDirectory& directory_;
};

}  // namespace weft::rest
