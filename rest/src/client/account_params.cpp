#include "client/account_params.hpp"

#include <fmt/format.h>

#include "weft/core/errors.hpp"

namespace weft::rest {

std::string required_query(const http::Request& request, std::string_view key) {
    const auto value = request.query_param(key);
    if (!value) throw core::MatrixError::missing_param(fmt::format("Missing query parameter {}", key));
    return std::string{*value};
}

handlers::DeviceChoice device_choice(const boost::json::object& body) {
    handlers::DeviceChoice device;
    device.device_id = optional_string(body, "device_id");
    device.initial_display_name = optional_string(body, "initial_device_display_name");
    device.refreshable = optional_bool(body, "refresh_token").value_or(false);
    return device;
}

boost::json::object session_document(const handlers::Session& session, std::string_view server_name) {
    boost::json::object document{{"user_id", session.user_id},
                                 {"access_token", session.access_token},
                                 {"device_id", session.device_id},
                                 {"home_server", server_name}};
    if (session.expires_in_ms) document["expires_in_ms"] = *session.expires_in_ms;
    if (session.refresh_token) document["refresh_token"] = *session.refresh_token;
    return document;
}

handlers::AuthFlows password_flow() {
    return {{std::string{handlers::auth_stage::kPassword}}};
}

}  // namespace weft::rest
