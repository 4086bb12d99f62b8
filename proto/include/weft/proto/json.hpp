#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "weft/core/result.hpp"

namespace weft::proto {

namespace json = boost::json;

struct JsonLimits {
    std::size_t depth_max = 100;
    /// false: an object that names a key twice is an error. true: the last one wins.
    bool allow_duplicate_keys = true;
};

/// One JSON value and nothing behind it. Fails on invalid UTF-8, lone surrogates and too deep nesting.
core::Result<json::value> parse_json(std::string_view text, JsonLimits limits = {});
/// The same, for texts that must be an object.
core::Result<json::object> parse_json_object(std::string_view text, JsonLimits limits = {});

/// Lookups that never throw: absent and wrongly typed are both "not there".
const json::value* find(const json::object& object, std::string_view key);
std::optional<std::string_view> get_string(const json::object& object, std::string_view key);
/// Integers only (no floats, no booleans) that fit.
std::optional<std::int64_t> get_int(const json::object& object, std::string_view key);
std::optional<bool> get_bool(const json::object& object, std::string_view key);
const json::object* get_object(const json::object& object, std::string_view key);
const json::array* get_array(const json::object& object, std::string_view key);
/// What they return points into the object: one that is about to go would leave it dangling.
const json::value* find(const json::object&& object, std::string_view key) = delete;
std::optional<std::string_view> get_string(const json::object&& object, std::string_view key) = delete;
const json::object* get_object(const json::object&& object, std::string_view key) = delete;
const json::array* get_array(const json::object&& object, std::string_view key) = delete;
/// The integer in `value`, whichever of the two integer kinds holds it.
std::optional<std::int64_t> as_int(const json::value& value);

/// Shortest encoding with sorted keys (appendices, "Canonical JSON"). Floats that old room versions allow are
/// written in their shortest form, integral ones as integers.
std::string canonical_json(const json::value& value);
std::string canonical_json(const json::object& object);
/// The same, without these top-level keys: what hashes and signatures cover.
std::string canonical_json_without(const json::object& object, std::span<const std::string_view> keys);
/// Strict rooms (version 6 and later): only integers within ±(2^53 - 1), no floats.
core::Result<void> check_canonical(const json::value& value);

/// Quoted and escaped, control characters as the canonical form wants them.
void append_json_string(std::string& out, std::string_view text);
/// Compact, keys in the order of the object.
void append_json(std::string& out, const json::value& value);
void append_json(std::string& out, const json::object& object);
std::string to_json(const json::value& value);
std::string to_json(const json::object& object);

/// `text` cut to at most `bytes_max` bytes without splitting a UTF-8 sequence.
std::string_view truncate_utf8(std::string_view text, std::size_t bytes_max);
bool is_valid_utf8(std::string_view text);

}  // namespace weft::proto
