#include "weft/rest/client/tags.hpp"

#include <functional>

#include "client/room_params.hpp"

namespace weft::rest {

void TagEndpoints::register_on(http::Router& router) {
    router.add({.method = http::Method::kGet,
                .paths = http::client_paths("/user/{userId}/rooms/{roomId}/tags"),
                .operation = "getRoomTags",
                .auth = http::Auth::kAccessToken,
                .workers = kOnClientReader},
               std::bind_front(&TagEndpoints::get_tags, this));
    router.add({.method = http::Method::kPut,
                .paths = http::client_paths("/user/{userId}/rooms/{roomId}/tags/{tag}"),
                .operation = "setRoomTag",
                .auth = http::Auth::kAccessToken,
                .writes = "account_data"},
               std::bind_front(&TagEndpoints::put_tag, this));
    router.add({.method = http::Method::kDelete,
                .paths = http::client_paths("/user/{userId}/rooms/{roomId}/tags/{tag}"),
                .operation = "deleteRoomTag",
                .auth = http::Auth::kAccessToken,
                .writes = "account_data"},
               std::bind_front(&TagEndpoints::delete_tag, this));
}

Task<http::Response> TagEndpoints::get_tags(http::Request request) {
    co_return http::Response::raw_json(
        co_await tags_.get(request.auth().user_id, request.param("userId"), room_id_of(request)));
}

Task<http::Response> TagEndpoints::put_tag(http::Request request) {
    co_await tags_.set(request.auth().user_id, request.param("userId"), room_id_of(request),
                       request.param("tag"), request.json_body());
    co_return http::Response::empty_object();
}

Task<http::Response> TagEndpoints::delete_tag(http::Request request) {
    co_await tags_.remove(request.auth().user_id, request.param("userId"), room_id_of(request),
                          request.param("tag"));
    co_return http::Response::empty_object();
}

}  // namespace weft::rest
