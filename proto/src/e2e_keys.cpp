#include "weft/proto/e2e_keys.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "weft/proto/crypto.hpp"

namespace weft::proto {

using core::ParseError;
using core::Result;

namespace {

constexpr std::size_t kPublicKeyBytes = 32;

bool is_string(const json::value& value) {
    return value.is_string();
}

/// An object whose values are all strings.
bool is_string_map(const json::value& value) {
    const auto* const object = value.if_object();
    return object && std::ranges::all_of(*object, [](const auto& entry) { return is_string(entry.value()); });
}

/// User → key ID → signature.
bool is_signatures(const json::value& value) {
    const auto* const object = value.if_object();
    return object &&
           std::ranges::all_of(*object, [](const auto& entry) { return is_string_map(entry.value()); });
}

json::object without_signatures(json::object object) {
    object.erase("signatures");
    object.erase("unsigned");
    return object;
}

}  // namespace

Result<KeyName> parse_key_name(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos || colon == 0)
        return ParseError{"not of the form <algorithm>:<key id>"};
    if (text.find('\0') != std::string_view::npos) return ParseError{"a key ID must not contain NUL"};
    return KeyName{std::string{text.substr(0, colon)}, std::string{text.substr(colon + 1)}};
}

Result<void> check_device_keys(const json::object& keys, std::string_view user_id,
                               std::string_view device_id) {
    if (get_string(keys, "user_id") != user_id) return ParseError{"'user_id' is not that of the user"};
    if (get_string(keys, "device_id") != device_id)
        return ParseError{"'device_id' is not that of the device"};
    const auto* const algorithms = get_array(keys, "algorithms");
    if (!algorithms || !std::ranges::all_of(*algorithms, is_string))
        return ParseError{"'algorithms' must be a list of strings"};
    const auto* const public_keys = find(keys, "keys");
    if (!public_keys || !is_string_map(*public_keys)) return ParseError{"'keys' must map to strings"};
    const auto* const signatures = find(keys, "signatures");
    if (!signatures || !is_signatures(*signatures))
        return ParseError{"'signatures' must map users to key IDs to strings"};
    return check_canonical(json::value(keys));
}

Result<void> check_one_time_key(const json::value& key) {
    if (key.is_string()) return {};
    const auto* const object = key.if_object();
    if (!object) return ParseError{"must be a string or an object"};
    if (!get_string(*object, "key")) return ParseError{"'key' must be a string"};
    const auto* const signatures = find(*object, "signatures");
    if (signatures && !is_signatures(*signatures))
        return ParseError{"'signatures' must map users to key IDs to strings"};
    const auto* const fallback = find(*object, "fallback");
    if (fallback && !fallback->is_bool()) return ParseError{"'fallback' must be true or false"};
    return check_canonical(key);
}

bool same_one_time_key(const json::value& one, const json::value& other) {
    if (!one.is_object() || !other.is_object()) return one == other;
    return same_signed_content(one.get_object(), other.get_object());
}

Result<CrossSigningPublicKey> parse_cross_signing_key(const json::object& key, std::string_view user_id,
                                                      std::string_view usage) {
    if (get_string(key, "user_id") != user_id) return ParseError{"'user_id' is not that of the user"};
    const auto* const usages = get_array(key, "usage");
    if (!usages || !std::ranges::all_of(*usages, is_string))
        return ParseError{"'usage' must be a list of strings"};
    if (std::ranges::find(*usages, json::value(usage)) == usages->end())
        return ParseError{fmt::format("'usage' must contain {}", usage)};
    const auto* const keys = get_object(key, "keys");
    if (!keys || keys->size() != 1) return ParseError{"'keys' must hold exactly one key"};
    const auto* const signatures = find(key, "signatures");
    if (signatures && !is_signatures(*signatures))
        return ParseError{"'signatures' must map users to key IDs to strings"};

    CrossSigningPublicKey out;
    out.key_id = keys->begin()->key();
    const auto& value = keys->begin()->value();
    if (!value.is_string()) return ParseError{"'keys' must map to strings"};
    out.public_key = std::string_view{value.get_string()};
    if (out.key_id != "ed25519:" + out.public_key)
        return ParseError{"the key ID must be ed25519:<public key>"};
    const auto bytes = base64_decode(out.public_key);
    if (!bytes || bytes->size() != kPublicKeyBytes) return ParseError{"the public key is no ed25519 key"};
    out.bytes = *bytes;
    if (const auto canonical = check_canonical(json::value(key)); !canonical) return canonical.error();
    return out;
}

bool same_signed_content(const json::object& one, const json::object& other) {
    return without_signatures(one) == without_signatures(other);
}

const json::object* signatures_of(const json::object& object, std::string_view signer) {
    const auto* const signatures = get_object(object, "signatures");
    return signatures ? get_object(*signatures, signer) : nullptr;
}

void add_signature(json::object& object, std::string_view signer, std::string_view key_id,
                   std::string_view signature) {
    auto& signatures = object["signatures"];
    if (!signatures.is_object()) signatures = json::object();
    auto& of_signer = signatures.get_object()[signer];
    if (!of_signer.is_object()) of_signer = json::object();
    of_signer.get_object()[key_id] = signature;
}

}  // namespace weft::proto
