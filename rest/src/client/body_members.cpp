#include "client/body_members.hpp"

#include <fmt/format.h>

#include "weft/core/errors.hpp"
#include "weft/proto/json.hpp"

namespace weft::rest {

using core::MatrixError;

namespace {

const boost::json::value* find_unless_null(const boost::json::object& body, std::string_view key) {
    const auto* const value = proto::find(body, key);
    return value && !value->is_null() ? value : nullptr;
}

}  // namespace

std::optional<std::string> optional_string(const boost::json::object& body, std::string_view key) {
    const auto* const value = find_unless_null(body, key);
    if (!value) return std::nullopt;
    if (!value->is_string()) throw MatrixError::bad_json(fmt::format("'{}' must be a string", key));
    const std::string_view text = value->get_string();
    if (text.find('\0') != std::string_view::npos) {
        throw MatrixError::invalid_param(fmt::format("'{}' must not contain NUL", key));
    }
    return std::string{text};
}

std::optional<bool> optional_bool(const boost::json::object& body, std::string_view key) {
    const auto* const value = find_unless_null(body, key);
    if (!value) return std::nullopt;
    if (!value->is_bool()) throw MatrixError::bad_json(fmt::format("'{}' must be true or false", key));
    return value->get_bool();
}

boost::json::object optional_object(const boost::json::object& body, std::string_view key) {
    const auto* const value = find_unless_null(body, key);
    if (!value) return {};
    if (!value->is_object()) throw MatrixError::bad_json(fmt::format("'{}' must be an object", key));
    return value->get_object();
}

std::optional<std::int64_t> optional_integer(const boost::json::object& body, std::string_view key) {
    if (!find_unless_null(body, key)) return std::nullopt;
    const auto number = proto::get_int(body, key);
    if (!number) throw MatrixError::bad_json(fmt::format("'{}' must be an integer", key));
    return number;
}

std::int64_t required_integer(const boost::json::object& body, std::string_view key) {
    const auto value = optional_integer(body, key);
    if (!value) throw MatrixError::missing_param(fmt::format("'{}' is missing", key));
    return *value;
}

std::string required_string(const boost::json::object& body, std::string_view key) {
    auto value = optional_string(body, key);
    if (!value) throw MatrixError::missing_param(fmt::format("'{}' is missing", key));
    return std::move(*value);
}

}  // namespace weft::rest
