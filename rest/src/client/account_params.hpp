#pragma once

#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "client/body_members.hpp"
#include "client/worker_kinds.hpp"
#include "weft/handlers/accounts/auth_flows.hpp"
#include "weft/handlers/accounts/sessions.hpp"
#include "weft/http/router.hpp"

/// What the endpoints about accounts share.
namespace weft::rest {

/// A query parameter. Throws MatrixError M_MISSING_PARAM if it is not there.
std::string required_query(const http::Request& request, std::string_view key);
/// `device_id`, `initial_device_display_name` and `refresh_token` of a body.
handlers::DeviceChoice device_choice(const boost::json::object& body);
/// user_id, access_token, device_id, home_server and, where the token ends, expires_in_ms and refresh_token.
boost::json::object session_document(const handlers::Session& session, std::string_view server_name);
/// What protects an account from whoever finds it logged in: the password, once more.
handlers::AuthFlows password_flow();

}  // namespace weft::rest
