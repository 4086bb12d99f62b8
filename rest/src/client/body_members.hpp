#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

/// Members of a request's body. All throw MatrixError: M_BAD_JSON for another type, M_INVALID_PARAM for a
/// string with a NUL, which no table can hold.
namespace weft::rest {

/// A member that must be a string if it is there. Null counts as absent.
std::optional<std::string> optional_string(const boost::json::object& body, std::string_view key);
std::optional<bool> optional_bool(const boost::json::object& body, std::string_view key);
/// A member that must be an object if it is there; empty if it is not.
boost::json::object optional_object(const boost::json::object& body, std::string_view key);
/// M_MISSING_PARAM if it is not there.
std::optional<std::int64_t> optional_integer(const boost::json::object& body, std::string_view key);
std::int64_t required_integer(const boost::json::object& body, std::string_view key);
std::string required_string(const boost::json::object& body, std::string_view key);

}  // namespace weft::rest
