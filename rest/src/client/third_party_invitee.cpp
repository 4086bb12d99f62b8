#include "client/third_party_invitee.hpp"

#include "client/body_members.hpp"
#include "client/identity_params.hpp"
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
    auto id_server = required_id_server(body);
    auto token = required_id_access_token(body);
    if (medium != "email")
        throw MatrixError{400, "M_THREEPID_MEDIUM_NOT_SUPPORTED", "Only e-mail addresses can be invited"};
    if (!core::is_email_address(address))
        throw MatrixError::invalid_param("'address' is not an e-mail address");
    // As identity servers compare them.
    return {std::move(id_server), std::move(token), medium, handlers::canonical_email(address)};
}

}  // namespace weft::rest
