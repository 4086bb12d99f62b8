#include "weft/rest/client/login.hpp"

#include <functional>

#include <boost/json/array.hpp>

#include "client/account_params.hpp"
#include "client/server_info_documents.hpp"
#include "weft/core/errors.hpp"
#include "weft/handlers/accounts/authenticator.hpp"
#include "weft/handlers/accounts/auth_flows.hpp"

namespace weft::rest {
namespace {

constexpr std::string_view kApplicationService = "m.login.application_service";

}  // namespace

void LoginEndpoints::register_on(http::Router& router) {
    router.add({.method = http::Method::kGet,
                .paths = http::client_paths("/login"),
                .operation = "getLoginFlows",
                .auth = http::Auth::kNone,
                .workers = kOnClientReader},
               std::bind_front(&LoginEndpoints::get_login, this));
    router.add({.method = http::Method::kPost,
                .paths = http::client_paths("/login"),
                .operation = "login",
                .auth = http::Auth::kNone,
                .runs_at = http::RunsAt::kMaster},
               std::bind_front(&LoginEndpoints::post_login, this));
    router.add({.method = http::Method::kPost,
                .paths = http::client_paths({"v1"}, "/login/get_token"),
                .operation = "generateLoginToken",
                .auth = http::Auth::kAccessToken,
                .runs_at = http::RunsAt::kMaster},
               std::bind_front(&LoginEndpoints::post_get_token, this));
    router.add({.method = http::Method::kPost,
                .paths = http::client_paths("/refresh"),
                .operation = "refresh",
                .auth = http::Auth::kNone,
                .runs_at = http::RunsAt::kMaster},
               std::bind_front(&LoginEndpoints::post_refresh, this));
    router.add({.method = http::Method::kPost,
                .paths = http::client_paths("/logout"),
                .operation = "logout",
                .auth = http::Auth::kGuestToo,
                .runs_at = http::RunsAt::kMaster,
                .for_locked = true},
               std::bind_front(&LoginEndpoints::post_logout, this));
    router.add({.method = http::Method::kPost,
                .paths = http::client_paths("/logout/all"),
                .operation = "logout_all",
                .auth = http::Auth::kGuestToo,
                .runs_at = http::RunsAt::kMaster,
                .for_locked = true},
               std::bind_front(&LoginEndpoints::post_logout_all, this));
}

Task<http::Response> LoginEndpoints::get_login(http::Request) {
    boost::json::array flows;
    if (login_.password_enabled()) flows.push_back({{"type", handlers::auth_stage::kPassword}});
    if (login_tokens_.enabled()) {
        flows.push_back({{"type", handlers::auth_stage::kLoginToken}, {"get_login_token", true}});
    }
    if (login_.has_appservices()) flows.push_back({{"type", kApplicationService}});
    co_return http::Response::json(boost::json::object{{"flows", std::move(flows)}});
}

Task<http::Response> LoginEndpoints::post_login(http::Request request) {
    auto body = request.json_body();
    const auto session = co_await by_type(std::move(request), std::move(body));
    auto document = session_document(session, config_.server_name);
    if (auto well_known = client_well_known(config_)) document["well_known"] = std::move(*well_known);
    co_return http::Response::json(document);
}

Task<handlers::Session> LoginEndpoints::by_type(http::Request request, boost::json::object body) {
    const auto type = required_string(body, "type");
    if (type == handlers::auth_stage::kPassword) {
        handlers::PasswordLogin login;
        login.user_id = co_await third_party_ids_.identified_user(body);
        login.password = required_string(body, "password");
        login.device = device_choice(body);
        login.remote_address = std::move(request.remote_address);
        co_return co_await login_.by_password(std::move(login));
    }
    if (type == handlers::auth_stage::kLoginToken && login_tokens_.enabled()) {
        handlers::TokenLogin login;
        login.token = required_string(body, "token");
        login.device = device_choice(body);
        login.remote_address = std::move(request.remote_address);
        co_return co_await login_.by_token(std::move(login));
    }
    if (type == kApplicationService) {
        const auto token = handlers::access_token_of(request);
        if (!token) throw core::MatrixError::missing_token();
        auto user_id = co_await third_party_ids_.identified_user(body);
        co_return co_await login_.by_appservice(std::string{*token}, std::move(user_id), device_choice(body));
    }
    throw core::MatrixError::unknown(fmt::format("Unknown login type {}", type));
}

Task<http::Response> LoginEndpoints::post_get_token(http::Request request) {
    if (!login_tokens_.enabled()) throw core::MatrixError::unrecognized(404);
    auto operation = handlers::operation_of(request, request.json_body(true));
    if (login_tokens_.requires_ui_auth()) {
        co_await interactive_auth_.require(std::move(operation), password_flow());
    }
    const auto made = co_await login_tokens_.make(request.auth().user_id);
    co_return http::Response::json(
        boost::json::object{{"login_token", made.token}, {"expires_in_ms", made.expires_in_ms}});
}

Task<http::Response> LoginEndpoints::post_refresh(http::Request request) {
    const auto session = co_await sessions_.refresh(required_string(request.json_body(), "refresh_token"));
    boost::json::object document{{"access_token", session.access_token},
                                 {"refresh_token", *session.refresh_token}};
    if (session.expires_in_ms) document["expires_in_ms"] = *session.expires_in_ms;
    co_return http::Response::json(document);
}

Task<http::Response> LoginEndpoints::post_logout(http::Request request) {
    co_await sessions_.close(request.auth());
    co_return http::Response::empty_object();
}

Task<http::Response> LoginEndpoints::post_logout_all(http::Request request) {
    co_await sessions_.close_all(request.auth().user_id);
    co_return http::Response::empty_object();
}

}  // namespace weft::rest
