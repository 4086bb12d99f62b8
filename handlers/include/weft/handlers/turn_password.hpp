#pragma once

#include <string>
#include <string_view>

namespace weft::handlers {

/// The password that a TURN server with the same secret expects with `username`: base64 of HMAC-SHA1. Pure.
std::string turn_password(std::string_view shared_secret, std::string_view username);

}  // namespace weft::handlers
