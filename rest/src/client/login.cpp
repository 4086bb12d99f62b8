#include "weft/rest/client/login.hpp"

#include <functional>

#include <boost/json/array.hpp>

#include "client/account_params.hpp"
#include "client/server_info_documents.hpp"
#include "weft/core/errors.hpp"
#include "weft/handlers/accounts/authenticator.hpp"
#include "weft/handlers/accounts/auth_flows.hpp"
#include "weft/handlers/accounts/usernames.hpp"

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
                .paths = http::client_paths("/logout"),
                .operation = "logout",
                .auth = http::Auth::kGuestToo,
                .runs_at = http::RunsAt::kMaster},
               std::bind_front(&LoginEndpoints::post_logout, this));
    router.add({.method = http::Method::kPost,
                .paths = http::client_paths("/logout/all"),
                .operation = "logout_all",
                .auth = http::Auth::kGuestToo,
                .runs_at = http::RunsAt::kMaster},
               std::bind_front(&LoginEndpoints::post_logout_all, this));
}

Task<http::Response> LoginEndpoints::get_login(http::Request) {
    boost::json::array flows;
    if (login_.password_enabled()) flows.push_back({{"type", handlers::auth_stage::kPassword}});
    if (login_.has_appservices()) flows.push_back({{"type", kApplicationService}});
    co_return http::Response::json(boost::json::object{{"flows", std::move(flows)}});
}

Task<http::Response> LoginEndpoints::post_login(http::Request request) {
    const auto body = request.json_body();
    const auto type = required_string(body, "type");
    if (type == kApplicationService) {
        const auto token = handlers::access_token_of(request);
        if (!token) throw core::MatrixError::missing_token();
        auto user_id = handlers::identified_user(body, config_.server_name);
        const auto session = co_await login_.by_appservice(std::string{*token}, std::move(user_id), device_choice(body));
        co_return http::Response::json(session_document(session, config_.server_name));
    }
    if (type != handlers::auth_stage::kPassword) {
        throw core::MatrixError::unknown(fmt::format("Unknown login type {}", type));
    }
    handlers::PasswordLogin login;
    login.user_id = handlers::identified_user(body, config_.server_name);
    login.password = required_string(body, "password");
    login.device = device_choice(body);
    login.remote_address = std::move(request.remote_address);
    const auto session = co_await login_.by_password(std::move(login));

    auto document = session_document(session, config_.server_name);
    if (auto well_known = client_well_known(config_)) document["well_known"] = std::move(*well_known);
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
