#pragma once

#include "weft/handlers/appservice/appservice_queries.hpp"
#include "weft/handlers/appservice/appservices.hpp"
#include "weft/handlers/appservice/network_rooms.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// What application services add to the client-server API: ping, their room directory, and third-party
/// networks.
class AppserviceEndpoints {
public:
    AppserviceEndpoints(const handlers::Appservices& services, handlers::AppserviceQueries& queries,
                        handlers::NetworkRooms& rooms)
        : services_{services}, queries_{queries}, rooms_{rooms} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> post_ping(http::Request request);
    Task<http::Response> put_listed(http::Request request);
    Task<http::Response> get_protocols(http::Request request);
    Task<http::Response> get_protocol(http::Request request);
    Task<http::Response> get_locations(http::Request request);
    Task<http::Response> get_users(http::Request request);
    Task<http::Response> get_locations_of_alias(http::Request request);
    Task<http::Response> get_users_of_id(http::Request request);

    const handlers::Appservices::Service& service_of(const http::Request& request) const;

    const handlers::Appservices& services_;
    handlers::AppserviceQueries& queries_;
    handlers::NetworkRooms& rooms_;
};

}  // namespace weft::rest
