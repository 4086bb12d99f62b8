#include "client/third_party_invitee.hpp"

#include <algorithm>

#include "client/body_members.hpp"
#include "weft/core/errors.hpp"
#include "weft/core/smtp.hpp"
#include "weft/handlers/accounts/third_party_ids.hpp"

namespace weft::rest {

using core::MatrixError;

bool is_third_party_invitee(const boost::json::object& body) {
    return body.contains("medium") || body.contains("address");
}

handlers::ThirdPartyInvitee third_party_invitee_in(const boost::json::object& body) {
    const auto medium = required_string(body, "medium");
    const auto address = required_string(body, "address");
    auto id_server = proto::ServerName::parse(required_string(body, "id_server"));
    auto token = required_string(body, "id_access_token");
    if (medium != "email")
        throw MatrixError{400, "M_THREEPID_MEDIUM_NOT_SUPPORTED", "Only e-mail addresses can be invited"};
    if (!core::is_email_address(address))
        throw MatrixError::invalid_param("'address' is not an e-mail address");
    if (!id_server) throw MatrixError::invalid_param("'id_server' is not the name of a server");
    const auto is_plain = [](char c) { return c > ' ' && c < '\x7f'; };
    if (!std::ranges::all_of(token, is_plain))
        throw MatrixError::invalid_param("'id_access_token' cannot be a token");
    // As identity servers compare them.
    return {std::move(*id_server), std::move(token), medium, handlers::canonical_email(address)};
}

}  // namespace weft::rest
