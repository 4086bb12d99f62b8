#include "weft/rest/client/voip.hpp"

#include <functional>

#include <fmt/format.h>

#include "client/worker_kinds.hpp"
#include "weft/core/errors.hpp"
#include "weft/handlers/turn_password.hpp"

namespace weft::rest {

namespace json = boost::json;

void VoipEndpoints::register_on(http::Router& router) {
    router.add({.method = http::Method::kGet,
                .paths = http::client_paths("/voip/turnServer"),
                .operation = "getTurnServer",
                .auth = http::Auth::kGuestToo,
                .workers = kOnClientReader},
               std::bind_front(&VoipEndpoints::get_turn_server, this));
}

/// With a shared secret the name says until when it is good, and the password proves that this server made it
/// (the "REST API for access to TURN services" that TURN servers implement).
Task<http::Response> VoipEndpoints::get_turn_server(http::Request request) {
    const bool told = !turn_.uris.empty() && (turn_.allow_guests || !request.auth().is_guest);
    auto username = turn_.username;
    auto password = turn_.password;
    if (!turn_.shared_secret.empty()) {
        username =
            fmt::format("{}:{}", (clock_.now_ms() + turn_.user_lifetime_ms) / 1000, request.auth().user_id);
        password = handlers::turn_password(turn_.shared_secret, username);
    }
    if (!told || username.empty() || password.empty()) {
        throw core::MatrixError::not_found("This server has no TURN servers");
    }
    json::array uris;
    for (const auto& uri : turn_.uris) uris.emplace_back(uri);
    co_return http::Response::json(json::object{{"username", username},
                                                {"password", password},
                                                {"uris", std::move(uris)},
                                                {"ttl", turn_.user_lifetime_ms / 1000}});
}

}  // namespace weft::rest
