#include "weft/rest/client/moderation.hpp"

#include <functional>

#include "client/body_members.hpp"
#include "client/worker_kinds.hpp"
#include "weft/core/errors.hpp"

namespace weft::rest {
namespace {

bool required_bool(const boost::json::object& body, std::string_view key) {
    const auto value = optional_bool(body, key);
    if (!value) throw core::MatrixError::missing_param(fmt::format("'{}' is missing", key));
    return *value;
}

http::Endpoint endpoint(http::Method method, std::string_view name, std::string operation) {
    http::Endpoint made{.method = method,
                        .paths = http::client_paths({"v1"}, fmt::format("/admin/{}/{{userId}}", name)),
                        .operation = std::move(operation),
                        .auth = http::Auth::kAdmin};
    if (method == http::Method::kGet) {
        made.workers = kOnClientReader;
    } else {
        made.runs_at = http::RunsAt::kMaster;
    }
    return made;
}

}  // namespace

void ModerationEndpoints::register_on(http::Router& router) {
    router.add({.method = http::Method::kGet,
                .paths = {"/_matrix/client/r0/admin/whois/{userId}",
                          "/_matrix/client/v3/admin/whois/{userId}", "/_synapse/admin/v1/whois/{userId}"},
                .operation = "getWhoIs",
                .auth = http::Auth::kAccessToken,
                .workers = kOnClientReader},
               std::bind_front(&ModerationEndpoints::get_whois, this));
    router.add(endpoint(http::Method::kGet, "lock", "getAdminLockUser"),
               std::bind_front(&ModerationEndpoints::get_locked, this));
    router.add(endpoint(http::Method::kPut, "lock", "setAdminLockUser"),
               std::bind_front(&ModerationEndpoints::put_locked, this));
    router.add(endpoint(http::Method::kGet, "suspend", "getAdminSuspendUser"),
               std::bind_front(&ModerationEndpoints::get_suspended, this));
    router.add(endpoint(http::Method::kPut, "suspend", "setAdminSuspendUser"),
               std::bind_front(&ModerationEndpoints::put_suspended, this));
}

Task<http::Response> ModerationEndpoints::get_whois(http::Request request) {
    const auto& requester = request.auth();
    const auto& user_id = request.param("userId");
    if (!requester.is_admin && requester.user_id != user_id) {
        throw core::MatrixError::forbidden("You are not a server admin");
    }
    co_return http::Response::json(co_await whois_.document(user_id));
}

Task<http::Response> ModerationEndpoints::get_locked(http::Request request) {
    const bool locked = co_await status_.is_locked(request.param("userId"));
    co_return http::Response::json(boost::json::object{{"locked", locked}});
}

Task<http::Response> ModerationEndpoints::put_locked(http::Request request) {
    const bool locked = required_bool(request.json_body(), "locked");
    co_await status_.set_locked(request.param("userId"), locked);
    co_return http::Response::json(boost::json::object{{"locked", locked}});
}

Task<http::Response> ModerationEndpoints::get_suspended(http::Request request) {
    const bool suspended = co_await status_.is_suspended(request.param("userId"));
    co_return http::Response::json(boost::json::object{{"suspended", suspended}});
}

Task<http::Response> ModerationEndpoints::put_suspended(http::Request request) {
    const bool suspended = required_bool(request.json_body(), "suspended");
    co_await status_.set_suspended(request.param("userId"), suspended);
    co_return http::Response::json(boost::json::object{{"suspended", suspended}});
}

}  // namespace weft::rest
