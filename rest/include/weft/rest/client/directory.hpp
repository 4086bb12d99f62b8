#pragma once

#include "weft/handlers/rooms/room_directory.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// Room aliases, and whether a room is in the published directory.
class DirectoryEndpoints {
public:
    explicit DirectoryEndpoints(handlers::RoomDirectory& directory) : directory_{directory} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> put_alias(http::Request request);
    Task<http::Response> get_alias(http::Request request);
    Task<http::Response> delete_alias(http::Request request);
    Task<http::Response> get_aliases_of_room(http::Request request);
    Task<http::Response> get_visibility(http::Request request);
    Task<http::Response> put_visibility(http::Request request);

    handlers::RoomDirectory& directory_;
};

}  // namespace weft::rest
