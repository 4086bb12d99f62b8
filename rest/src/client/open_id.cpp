#include "weft/rest/client/open_id.hpp"

#include <functional>

#include "client/worker_kinds.hpp"
#include "weft/core/errors.hpp"

namespace weft::rest {

namespace json = boost::json;
using core::MatrixError;

void OpenIdEndpoints::register_on(http::Router& router) {
    router.add({.method = http::Method::kPost,
                .paths = http::client_paths("/user/{userId}/openid/request_token"),
                .operation = "requestOpenIdToken",
                .auth = http::Auth::kAccessToken,
                .workers = kOnClientReader},
               std::bind_front(&OpenIdEndpoints::post_request_token, this));
    router.add({.method = http::Method::kGet,
                .paths = {"/_matrix/federation/v1/openid/userinfo"},
                .operation = "exchangeOpenIdToken",
                .auth = http::Auth::kNone,
                .workers = kOnClientReader},
               std::bind_front(&OpenIdEndpoints::get_user_info, this));
}

Task<http::Response> OpenIdEndpoints::post_request_token(http::Request request) {
    if (request.param("userId") != request.auth().user_id) {
        throw MatrixError::forbidden("Cannot request tokens for other users.");
    }
    request.json_body(true);  // reserved for later, but an object
    const auto token = co_await open_id_.token_for(request.auth().user_id);
    co_return http::Response::json(json::object{{"access_token", token},
                                                {"token_type", "Bearer"},
                                                {"matrix_server_name", open_id_.server_name()},
                                                {"expires_in", handlers::OpenId::kLifetimeMs / 1000}});
}

Task<http::Response> OpenIdEndpoints::get_user_info(http::Request request) {
    const auto token = request.query_param("access_token");
    if (!token) throw MatrixError{401, "M_MISSING_TOKEN", "Access Token required"};
    const auto user_id = co_await open_id_.user_of(std::string{*token});
    if (!user_id) throw MatrixError{401, "M_UNKNOWN_TOKEN", "Access Token unknown or expired"};
    co_return http::Response::json(json::object{{"sub", *user_id}});
}

}  // namespace weft::rest
