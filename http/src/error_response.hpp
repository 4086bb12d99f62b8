#pragma once

#include <string_view>

#include "weft/core/errors.hpp"
#include "weft/http/message.hpp"

namespace weft::http {

/// The "standard error response": `errcode`, `error` and what the error adds. With an empty errcode the body
/// is the fields alone (the 401 of interactive authentication). 429 gets Retry-After, in whole seconds,
/// rounded up.
Response error_response(const core::MatrixError& error);
/// A 500 that tells the client nothing but the ID under which the log knows more.
Response internal_error_response(std::string_view request_id);

}  // namespace weft::http
