#pragma once

#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "weft/core/result.hpp"

namespace weft::proto::replication {

namespace json = boost::json;

/// JSON as Python's json module writes it: ASCII only (`\uXXXX`, surrogate pairs), separators ", " and ": ".
/// Every receiver accepts it, and it never contains a line feed.
std::string to_ascii_json(const json::value& value);
void append_ascii_json(std::string& out, const json::value& value);

/// Any JSON text of at most a line's length.
core::Result<json::value> parse_row_json(std::string_view text);

}  // namespace weft::proto::replication
