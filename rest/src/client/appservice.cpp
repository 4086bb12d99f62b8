#include "weft/rest/client/appservice.hpp"

#include <functional>

#include "client/account_params.hpp"
#include "client/room_params.hpp"
#include "weft/core/errors.hpp"

namespace weft::rest {

using core::MatrixError;
using Kind = handlers::AppserviceQueries::Kind;

namespace {

constexpr std::size_t kNetworkIdBytesMax = 255;

/// What the client asks for, without what says who asks.
http::Query fields_of(const http::Request& request) {
    http::Query fields;
    for (const auto& [key, value] : request.query) {
        if (key != "access_token" && key != "user_id" && key != "device_id") fields.emplace_back(key, value);
    }
    return fields;
}

}  // namespace

void AppserviceEndpoints::register_on(http::Router& router) {
    using Function = Task<http::Response> (AppserviceEndpoints::*)(http::Request);
    const auto add = [&](http::Method method, std::vector<std::string> paths, std::string operation,
                         Function function) {
        http::Endpoint endpoint;
        endpoint.method = method;
        endpoint.paths = std::move(paths);
        endpoint.operation = std::move(operation);
        endpoint.auth = http::Auth::kAccessToken;
        endpoint.workers = kOnClientReader;
        router.add(std::move(endpoint), std::bind_front(function, this));
    };
    using http::client_paths;
    using http::Method;
    add(Method::kPost, client_paths({"v1"}, "/appservice/{appserviceId}/ping"), "pingAppservice",
        &AppserviceEndpoints::post_ping);
    add(Method::kPut, client_paths("/directory/list/appservice/{networkId}/{roomId}"),
        "updateAppserviceRoomDirectoryVisibility", &AppserviceEndpoints::put_listed);
    add(Method::kGet, client_paths("/thirdparty/protocols"), "getProtocols",
        &AppserviceEndpoints::get_protocols);
    add(Method::kGet, client_paths("/thirdparty/protocol/{protocol}"), "getProtocolMetadata",
        &AppserviceEndpoints::get_protocol);
    add(Method::kGet, client_paths("/thirdparty/location/{protocol}"), "queryLocationByProtocol",
        &AppserviceEndpoints::get_locations);
    add(Method::kGet, client_paths("/thirdparty/user/{protocol}"), "queryUserByProtocol",
        &AppserviceEndpoints::get_users);
    add(Method::kGet, client_paths("/thirdparty/location"), "queryLocationByAlias",
        &AppserviceEndpoints::get_locations_of_alias);
    add(Method::kGet, client_paths("/thirdparty/user"), "queryUserByID",
        &AppserviceEndpoints::get_users_of_id);
}

const handlers::Appservices::Service& AppserviceEndpoints::service_of(const http::Request& request) const {
    const auto* service =
        request.auth().appservice_id.empty() ? nullptr : services_.find(request.auth().appservice_id);
    if (!service) throw MatrixError::forbidden("Only application services can do this");
    return *service;
}

Task<http::Response> AppserviceEndpoints::post_ping(http::Request request) {
    const auto& service = service_of(request);
    if (service.id != request.param("appserviceId"))
        throw MatrixError::forbidden("Provided access token is not the appservice's as_token");
    auto transaction_id = optional_string(request.json_body(true), "transaction_id");
    const auto duration_ms = co_await queries_.ping(service, std::move(transaction_id));
    co_return http::Response::json(boost::json::object{{"duration_ms", duration_ms}});
}

Task<http::Response> AppserviceEndpoints::put_listed(http::Request request) {
    const auto& service = service_of(request);
    const auto room_id = room_id_of(request);
    auto network_id = request.param("networkId");
    if (network_id.empty() || network_id.size() > kNetworkIdBytesMax)
        throw MatrixError::invalid_param("Invalid network ID");
    const auto visibility = required_string(request.json_body(), "visibility");
    if (visibility != "public" && visibility != "private")
        throw MatrixError::invalid_param("'visibility' must be public or private");
    co_await rooms_.set_listed(service.id, std::move(network_id), room_id.str(), visibility == "public");
    co_return http::Response::empty_object();
}

Task<http::Response> AppserviceEndpoints::get_protocols(http::Request) {
    boost::json::value answer = co_await queries_.protocols();
    co_return http::Response::json(answer);
}

Task<http::Response> AppserviceEndpoints::get_protocol(http::Request request) {
    boost::json::value answer = co_await queries_.protocol(request.param("protocol"));
    co_return http::Response::json(answer);
}

Task<http::Response> AppserviceEndpoints::get_locations(http::Request request) {
    boost::json::value answer =
        co_await queries_.search(Kind::kLocation, request.param("protocol"), fields_of(request));
    co_return http::Response::json(answer);
}

Task<http::Response> AppserviceEndpoints::get_users(http::Request request) {
    boost::json::value answer =
        co_await queries_.search(Kind::kUser, request.param("protocol"), fields_of(request));
    co_return http::Response::json(answer);
}

Task<http::Response> AppserviceEndpoints::get_locations_of_alias(http::Request request) {
    http::Query query{{"alias", required_query(request, "alias")}};
    boost::json::value answer = co_await queries_.reverse(Kind::kLocation, std::move(query));
    co_return http::Response::json(answer);
}

Task<http::Response> AppserviceEndpoints::get_users_of_id(http::Request request) {
    http::Query query{{"userid", required_query(request, "userid")}};
    boost::json::value answer = co_await queries_.reverse(Kind::kUser, std::move(query));
    co_return http::Response::json(answer);
}

}  // namespace weft::rest
