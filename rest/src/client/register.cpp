#include "weft/rest/client/register.hpp"

#include <functional>

#include "client/account_params.hpp"
#include "weft/core/errors.hpp"
#include "weft/handlers/accounts/authenticator.hpp"

namespace weft::rest {
namespace {

constexpr std::string_view kApplicationService = "m.login.application_service";

}  // namespace

void RegisterEndpoints::register_on(http::Router& router) {
    router.add({.method = http::Method::kPost,
                .paths = http::client_paths("/register"),
                .operation = "register",
                .auth = http::Auth::kNone,
                .runs_at = http::RunsAt::kMaster},
               std::bind_front(&RegisterEndpoints::post_register, this));
    router.add({.method = http::Method::kGet,
                .paths = http::client_paths("/register/available"),
                .operation = "checkUsernameAvailability",
                .auth = http::Auth::kNone,
                .workers = kOnClientReader},
               std::bind_front(&RegisterEndpoints::get_available, this));
    router.add({.method = http::Method::kGet,
                .paths = http::client_paths({"v1"}, "/register/m.login.registration_token/validity"),
                .operation = "registrationTokenValidity",
                .auth = http::Auth::kNone,
                .workers = kOnClientReader},
               std::bind_front(&RegisterEndpoints::get_token_validity, this));
}

Task<http::Response> RegisterEndpoints::post_register(http::Request request) {
    const auto kind = std::string{request.query_param("kind").value_or("user")};
    auto body = request.json_body(true);
    handlers::Registered registered;
    if (kind == "guest") {
        auto device_name = optional_string(body, "initial_device_display_name");
        registered =
            co_await registration_.register_guest(std::move(device_name), std::move(request.remote_address));
    } else if (kind == "user") {
        registered = co_await register_user(std::move(request), std::move(body));
    } else {
        throw core::MatrixError::invalid_param("kind must be user or guest");
    }
    if (registered.session)
        co_return http::Response::json(session_document(*registered.session, config_.server_name));
    boost::json::object document{{"user_id", registered.user_id}, {"home_server", config_.server_name}};
    co_return http::Response::json(document);
}

Task<handlers::Registered> RegisterEndpoints::register_user(http::Request request, boost::json::object body) {
    handlers::RegisterRequest wish;
    wish.username = optional_string(body, "username");
    wish.password = optional_string(body, "password");
    wish.device = device_choice(body);
    wish.guest_access_token = optional_string(body, "guest_access_token");
    wish.inhibit_login = optional_bool(body, "inhibit_login").value_or(false);
    if (optional_string(body, "type") == kApplicationService) {
        const auto token = handlers::access_token_of(request);
        if (!token) throw core::MatrixError::missing_token();
        return registration_.register_by_appservice(std::string{*token}, std::move(wish));
    }
    wish.operation = handlers::operation_of(request, std::move(body));
    wish.remote_address = std::move(request.remote_address);
    return registration_.register_user(std::move(wish));
}

Task<http::Response> RegisterEndpoints::get_available(http::Request request) {
    auto username = required_query(request, "username");
    co_await registration_.check_available(std::move(username), std::move(request.remote_address));
    co_return http::Response::json(boost::json::object{{"available", true}});
}

Task<http::Response> RegisterEndpoints::get_token_validity(http::Request request) {
    auto token = required_query(request, "token");
    const bool valid =
        co_await registration_.is_token_valid(std::move(token), std::move(request.remote_address));
    co_return http::Response::json(boost::json::object{{"valid", valid}});
}

}  // namespace weft::rest
