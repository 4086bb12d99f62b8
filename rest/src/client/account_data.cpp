#include "weft/rest/client/account_data.hpp"

#include <functional>

#include "client/room_params.hpp"

namespace weft::rest {
namespace {

constexpr auto kGlobal = "/user/{userId}/account_data/{type}";
constexpr auto kRoom = "/user/{userId}/rooms/{roomId}/account_data/{type}";

http::Endpoint reads(std::string_view path, std::string operation) {
    return {.method = http::Method::kGet,
            .paths = http::client_paths(path),
            .operation = std::move(operation),
            .auth = http::Auth::kGuestToo,
            .workers = kOnClientReader};
}

http::Endpoint writes(std::string_view path, std::string operation) {
    return {.method = http::Method::kPut,
            .paths = http::client_paths(path),
            .operation = std::move(operation),
            .auth = http::Auth::kAccessToken,
            .writes = "account_data"};
}

}  // namespace

void AccountDataEndpoints::register_on(http::Router& router) {
    router.add(reads(kGlobal, "getAccountData"), std::bind_front(&AccountDataEndpoints::get_global, this));
    router.add(writes(kGlobal, "setAccountData"), std::bind_front(&AccountDataEndpoints::put_global, this));
    router.add(reads(kRoom, "getAccountDataPerRoom"), std::bind_front(&AccountDataEndpoints::get_room, this));
    router.add(writes(kRoom, "setAccountDataPerRoom"),
               std::bind_front(&AccountDataEndpoints::put_room, this));
}

Task<http::Response> AccountDataEndpoints::get_global(http::Request request) {
    co_return http::Response::raw_json(co_await account_data_.get_global(
        request.auth().user_id, request.param("userId"), request.param("type")));
}

Task<http::Response> AccountDataEndpoints::put_global(http::Request request) {
    co_await account_data_.set_global(request.auth().user_id, request.param("userId"), request.param("type"),
                                      request.json_body());
    co_return http::Response::empty_object();
}

Task<http::Response> AccountDataEndpoints::get_room(http::Request request) {
    co_return http::Response::raw_json(co_await account_data_.get_room(
        request.auth().user_id, request.param("userId"), room_id_of(request), request.param("type")));
}

Task<http::Response> AccountDataEndpoints::put_room(http::Request request) {
    co_await account_data_.set_room(request.auth().user_id, request.param("userId"), room_id_of(request),
                                    request.param("type"), request.json_body());
    co_return http::Response::empty_object();
}

}  // namespace weft::rest
