#include "client/identity_params.hpp"

#include <algorithm>

#include "client/body_members.hpp"
#include "weft/core/errors.hpp"

namespace weft::rest {

using core::MatrixError;

proto::ServerName required_id_server(const boost::json::object& body) {
    auto id_server = proto::ServerName::parse(required_string(body, "id_server"));
    if (!id_server) throw MatrixError::invalid_param("'id_server' is not the name of a server");
    return std::move(*id_server);
}

std::optional<proto::ServerName> optional_id_server(const boost::json::object& body) {
    if (!optional_string(body, "id_server")) return std::nullopt;
    return required_id_server(body);
}

std::string required_id_access_token(const boost::json::object& body) {
    auto token = required_string(body, "id_access_token");
    const auto is_plain = [](char c) { return c > ' ' && c < '\x7f'; };
    if (!std::ranges::all_of(token, is_plain)) throw MatrixError::invalid_param("'id_access_token' cannot be a token");
    return token;
}

boost::json::object unbind_result(handlers::IdentityBindings::Unbound unbound) {
    const bool is_unbound = unbound == handlers::IdentityBindings::Unbound::kYes;
    return {{"id_server_unbind_result", is_unbound ? "success" : "no-support"}};
}

}  // namespace weft::rest
