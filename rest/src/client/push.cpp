#include "weft/rest/client/push.hpp"

#include <functional>

#include "client/worker_kinds.hpp"
#include "weft/core/errors.hpp"

namespace weft::rest {
namespace {

constexpr std::int64_t kNotificationsDefault = 50;

}  // namespace

void PushEndpoints::register_on(http::Router& router) {
    router.add({.method = http::Method::kGet,
                .paths = http::client_paths("/pushers"),
                .operation = "getPushers",
                .auth = http::Auth::kAccessToken,
                .workers = kOnClientReader},
               std::bind_front(&PushEndpoints::get_pushers, this));
    router.add({.method = http::Method::kPost,
                .paths = http::client_paths("/pushers/set"),
                .operation = "postPusher",
                .auth = http::Auth::kAccessToken,
                .writes = "pushers"},
               std::bind_front(&PushEndpoints::post_pusher, this));
    router.add({.method = http::Method::kGet,
                .paths = http::client_paths("/notifications"),
                .operation = "getNotifications",
                .auth = http::Auth::kAccessToken,
                .workers = kOnClientReader},
               std::bind_front(&PushEndpoints::get_notifications, this));
}

Task<http::Response> PushEndpoints::get_pushers(http::Request request) {
    auto pushers = co_await pushers_.list(request.auth().user_id);
    co_return http::Response::json(boost::json::object{{"pushers", std::move(pushers)}});
}

Task<http::Response> PushEndpoints::post_pusher(http::Request request) {
    co_await pushers_.set(request.auth(), request.json_body());
    co_return http::Response::empty_object();
}

Task<http::Response> PushEndpoints::get_notifications(http::Request request) {
    const auto limit = request.query_int("limit").value_or(kNotificationsDefault);
    if (limit <= 0) throw core::MatrixError::invalid_param("'limit' must be greater than 0");
    const auto from = request.query_param("from");
    handlers::EventViewer viewer;
    viewer.user_id = request.auth().user_id;
    viewer.device_id = request.auth().device_id;
    auto body = co_await notifications_.list(
        std::move(viewer), from ? std::optional{std::string{*from}} : std::nullopt,
        static_cast<std::size_t>(limit), request.query_param("only") == "highlight");
    co_return http::Response::raw_json(std::move(body));
}

}  // namespace weft::rest
