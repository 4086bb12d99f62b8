#pragma once

#include <string>
#include <string_view>

namespace weft::handlers {

/// A new access token: `syt_<localpart, base64url>_<20 random letters>_<checksum>`. The localpart helps an
/// operator who finds one in a log; the checksum lets secret scanners tell a token from noise. The server
/// itself treats tokens as opaque, so older formats keep working.
std::string make_access_token(std::string_view localpart);

/// The same for a refresh token: `syr_...`.
std::string make_refresh_token(std::string_view localpart);

/// CRC-32 of `text` in base 62, six digits.
std::string token_checksum(std::string_view text);

}  // namespace weft::handlers
