#include "weft/rest/client/presence.hpp"

#include <functional>

#include "client/body_members.hpp"
#include "client/worker_kinds.hpp"

namespace weft::rest {
namespace {

/// A status message goes to everybody who shares a room, with each change.
constexpr std::size_t kStatusBytesMax = 8 * 1024;

}  // namespace

void PresenceEndpoints::register_on(http::Router& router) {
    router.add({.method = http::Method::kGet,
                .paths = http::client_paths("/presence/{userId}/status"),
                .operation = "getPresence",
                .auth = http::Auth::kAccessToken,
                .workers = kOnClientReader},
               std::bind_front(&PresenceEndpoints::get_status, this));
    router.add({.method = http::Method::kPut,
                .paths = http::client_paths("/presence/{userId}/status"),
                .operation = "setPresence",
                .auth = http::Auth::kAccessToken,
                .writes = "presence",
                .body_bytes_max = kStatusBytesMax},
               std::bind_front(&PresenceEndpoints::put_status, this));
}

Task<http::Response> PresenceEndpoints::get_status(http::Request request) {
    co_return http::Response::json(co_await presence_.get(request.auth().user_id, request.param("userId")));
}

Task<http::Response> PresenceEndpoints::put_status(http::Request request) {
    const auto body = request.json_body();
    auto state = required_string(body, "presence");
    auto status_msg = optional_string(body, "status_msg");
    co_await presence_.put(request.auth().user_id, request.param("userId"), std::move(state),
                           std::move(status_msg));
    co_return http::Response::empty_object();
}

}  // namespace weft::rest
