#pragma once

#include "weft/handlers/e2e/device_keys.hpp"

namespace weft::rest {

/// `device_keys`, `one_time_keys` and `fallback_keys` of a body; each may be missing. Throws MatrixError
/// M_BAD_JSON.
handlers::DeviceKeys::Upload keys_of_device(const boost::json::object& body);

}  // namespace weft::rest
