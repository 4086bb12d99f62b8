#pragma once

#include <memory>
#include <string>

#include "weft/http/client.hpp"

namespace weft::http {

/// Request line and fields. `host` is the Host field where the request has none. Throws std::invalid_argument if
/// the target or a field would break the line it stands in.
std::shared_ptr<const std::string> request_head(const ClientRequest& request, const std::string& host);

}  // namespace weft::http
