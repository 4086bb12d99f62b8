#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "compression.hpp"
#include "weft/http/message.hpp"

namespace weft::http {

/// What the request decides about the head of its response.
struct ResponseTraits {
    bool keep_alive = true;
    bool http_1_0 = false;
    bool head_only = false;  // HEAD: the length is told, the body is not sent
    bool cors = false;
    ContentCoding accepted = ContentCoding::kIdentity;
};

/// Do the CORS headers belong on answers for this path? On those that browsers ask: the Matrix and admin APIs
/// and server discovery.
bool wants_cors(std::string_view path);

/// Compresses where it pays and writes status line and fields, ready to be sent in front of `response.body`.
/// Fields that frame the message are ours: a handler cannot set them, and line breaks in values become
/// blanks.
std::string prepare_response(Response& response, const ResponseTraits& traits, Compressor& compressor,
                             std::int64_t now_ms);

std::string_view reason_phrase(int status);

}  // namespace weft::http
