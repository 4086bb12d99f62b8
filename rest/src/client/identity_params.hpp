#pragma once

#include <optional>

#include <boost/json/object.hpp>

#include "weft/handlers/accounts/identity_bindings.hpp"
#include "weft/proto/ids.hpp"

/// What endpoints that deal with identity servers share.
namespace weft::rest {

/// `id_server` of a body. Throws MatrixError: M_MISSING_PARAM, M_INVALID_PARAM.
proto::ServerName required_id_server(const boost::json::object& body);
/// The same, if it is there.
std::optional<proto::ServerName> optional_id_server(const boost::json::object& body);
/// `id_access_token` of a body, as it can stand in a header. Throws MatrixError: M_MISSING_PARAM, M_INVALID_PARAM.
std::string required_id_access_token(const boost::json::object& body);
/// The answer to whoever gave up an address.
boost::json::object unbind_result(handlers::IdentityBindings::Unbound unbound);

}  // namespace weft::rest
