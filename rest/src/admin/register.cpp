#include "weft/rest/admin/register.hpp"

#include <functional>

#include "client/account_params.hpp"

namespace weft::rest {

void AdminRegisterEndpoints::register_on(http::Router& router) {
    // Without access token: the shared secret is the proof.
    router.add({.method = http::Method::kGet,
                .paths = {"/_synapse/admin/v1/register"},
                .operation = "admin_register_nonce",
                .auth = http::Auth::kNone,
                .runs_at = http::RunsAt::kMaster},
               std::bind_front(&AdminRegisterEndpoints::get_nonce, this));
    router.add({.method = http::Method::kPost,
                .paths = {"/_synapse/admin/v1/register"},
                .operation = "admin_register",
                .auth = http::Auth::kNone,
                .runs_at = http::RunsAt::kMaster},
               std::bind_front(&AdminRegisterEndpoints::post_register, this));
}

Task<http::Response> AdminRegisterEndpoints::get_nonce(http::Request) {
    co_return http::Response::json(boost::json::object{{"nonce", registration_.make_nonce()}});
}

Task<http::Response> AdminRegisterEndpoints::post_register(http::Request request) {
    const auto body = request.json_body();
    handlers::SharedSecretRequest wish;
    wish.nonce = required_string(body, "nonce");
    wish.username = required_string(body, "username");
    wish.password = required_string(body, "password");
    wish.mac = required_string(body, "mac");
    wish.admin = optional_bool(body, "admin").value_or(false);
    wish.user_type = optional_string(body, "user_type");
    wish.displayname = optional_string(body, "displayname");
    const auto session = co_await registration_.register_user(std::move(wish));
    co_return http::Response::json(session_document(session, config_.server_name));
}

}  // namespace weft::rest
