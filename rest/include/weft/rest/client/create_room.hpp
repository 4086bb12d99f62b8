#pragma once

#include <boost/json.hpp>

#include "weft/handlers/rooms/create_room.hpp"
#include "weft/handlers/rooms/third_party_invites.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// POST /createRoom.
class CreateRoomEndpoints {
public:
    CreateRoomEndpoints(handlers::CreateRoom& rooms, handlers::ThirdPartyInvites& third_party_invites)
        : rooms_{rooms}, third_party_invites_{third_party_invites} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> post(http::Request request);

    handlers::CreateRoom& rooms_;
    handlers::ThirdPartyInvites& third_party_invites_;
};

/// The body of POST /createRoom. Throws MatrixError where its shape is wrong.
handlers::CreateRoomRequest parse_create_room(const boost::json::object& body);

}  // namespace weft::rest
