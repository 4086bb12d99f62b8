#pragma once

#include <boost/json/object.hpp>

#include "weft/handlers/accounts/identity_servers.hpp"

namespace weft::rest {

/// Whether the body of an invite names an address, not a user.
bool is_third_party_invitee(const boost::json::object& body);
/// The invitee of the body ("Invite3pid"). Throws MatrixError: M_MISSING_PARAM, M_BAD_JSON, M_INVALID_PARAM,
/// and M_THREEPID_MEDIUM_NOT_SUPPORTED for anything but an e-mail address.
handlers::ThirdPartyInvitee third_party_invitee_in(const boost::json::object& body);

}  // namespace weft::rest
