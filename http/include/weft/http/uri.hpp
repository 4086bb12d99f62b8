#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "weft/http/message.hpp"

namespace weft::http {

/// Percent-encodes everything but unreserved characters.
std::string percent_encode(std::string_view text);
/// Decodes %XX; nothing if an escape is broken, the result is not UTF-8 or holds a NUL (which nothing behind
/// us can store). `+` stays `+`.
std::optional<std::string> percent_decode(std::string_view text);
/// `a=1&b=two+words`; nothing if a name or value cannot be decoded. A name without `=` has an empty value.
std::optional<Query> parse_query(std::string_view text);

/// The two halves of a request target, as they stand; the `?` belongs to neither.
struct SplitTarget {
    std::string_view path;
    std::string_view query;
};
/// Takes `/path?query` and the absolute form `http://host/path?query` that a proxy may send.
SplitTarget split_target(std::string_view target);

}  // namespace weft::http
