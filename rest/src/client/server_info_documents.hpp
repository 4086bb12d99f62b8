#pragma once

#include <optional>

#include <boost/json/object.hpp>

#include "weft/core/config.hpp"

namespace weft::rest {

/// Body of /versions: the versions of the specification whose requests clients make of this server.
boost::json::object versions_document();
/// Body of /capabilities.
boost::json::object capabilities_document(const core::Config& config);
/// The same for server administrators, who can moderate accounts.
boost::json::object capabilities_document_of_admins(const core::Config& config);
/// Body of /.well-known/matrix/client; nothing without a `public_baseurl`.
std::optional<boost::json::object> client_well_known(const core::Config& config);

/// Body of /.well-known/matrix/support; nothing if there is nobody to ask.
std::optional<boost::json::object> support_document(const core::Config& config);

}  // namespace weft::rest
