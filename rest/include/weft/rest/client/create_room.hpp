#pragma once

#include <boost/json.hpp>

#include "weft/handlers/rooms/create_room.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// POST /createRoom.
class CreateRoomEndpoints {
public:
    explicit CreateRoomEndpoints(handlers::CreateRoom& rooms) : rooms_{rooms} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> post(http::Request request);

    handlers::CreateRoom& rooms_;
};

/// The body of POST /createRoom. Throws MatrixError where its shape is wrong.
handlers::CreateRoomRequest parse_create_room(const boost::json::object& body);

}  // namespace weft::rest
