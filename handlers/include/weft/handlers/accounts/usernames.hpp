#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

namespace weft::handlers {

/// The user ID a new account gets for the name a person wished for: capitals become small letters. Throws
/// MatrixError 400 M_INVALID_USERNAME where the grammar of localparts, the length of user IDs or the leading
/// underscore (kept for bridges) says no.
std::string new_user_id(std::string_view username, std::string_view server_name);
/// The same for users of application services, whose names may begin with an underscore.
std::string service_user_id(std::string_view username, std::string_view server_name);

/// A localpart nobody has wished for.
std::string random_localpart();

/// An e-mail address or telephone number that stands for a user.
struct ThirdPartyIdentifier {
    std::string medium;
    std::string address;
};
/// `identifier` of type m.id.thirdparty, or `medium` and `address` of old clients; nothing if the user is
/// named otherwise. Throws MatrixError: M_MISSING_PARAM, M_BAD_JSON.
std::optional<ThirdPartyIdentifier> third_party_identifier(const boost::json::object& submission);

/// Whom a login or an authentication stage names: `identifier` (m.id.user), or `user` of old clients; full ID
/// or localpart. The account need not exist. Throws MatrixError: M_MISSING_PARAM, M_BAD_JSON, 403 M_FORBIDDEN
/// for third-party identifiers, which third_party_identifier() reads, M_UNKNOWN for other kinds.
std::string identified_user(const boost::json::object& submission, std::string_view server_name);

}  // namespace weft::handlers
