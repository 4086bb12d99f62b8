#pragma once

#include <string>

#include <boost/json.hpp>

#include "weft/handlers/rooms/public_rooms.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// GET and POST /publicRooms.
class PublicRoomsEndpoints {
public:
    PublicRoomsEndpoints(handlers::PublicRooms& rooms, std::string server_name)
        : rooms_{rooms}, server_name_{std::move(server_name)} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> get(http::Request request);
    Task<http::Response> post(http::Request request);
    Task<http::Response> answer(handlers::PublicRoomsQuery query);
    void require_this_server(const http::Request& request) const;

    handlers::PublicRooms& rooms_;
    std::string server_name_;
};

/// The body of POST /publicRooms. Throws MatrixError where its shape is wrong.
handlers::PublicRoomsQuery parse_public_rooms(const boost::json::object& body);

}  // namespace weft::rest
