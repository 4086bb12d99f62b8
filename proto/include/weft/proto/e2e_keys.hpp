#pragma once

#include <string>
#include <string_view>

#include "weft/core/result.hpp"
#include "weft/proto/json.hpp"

/// Documents of end-to-end encryption as clients upload them (client-server API, "End-to-End Encryption").
/// The server looks at their frame only; what they mean is between the clients.
namespace weft::proto {

/// `<algorithm>:<key id>`, the name of a one-time or fallback key.
struct KeyName {
    std::string algorithm;
    std::string id;
};
core::Result<KeyName> parse_key_name(std::string_view text);

/// `device_keys` of POST /keys/upload: complete, and of this device.
core::Result<void> check_device_keys(const json::object& keys, std::string_view user_id,
                                     std::string_view device_id);
/// A one-time or fallback key: a string, or an object with `key` and, if it is signed, `signatures`.
core::Result<void> check_one_time_key(const json::value& key);
/// Whether two keys under one name are the same: signatures may differ, for they hold a random number.
bool same_one_time_key(const json::value& one, const json::value& other);

/// The one public key of a cross-signing key.
struct CrossSigningPublicKey {
    std::string key_id;      // "ed25519:" + public_key
    std::string public_key;  // unpadded base64
    std::string bytes;
};
/// Checks a cross-signing key of `user_id` for `usage` (master, self_signing, user_signing).
core::Result<CrossSigningPublicKey> parse_cross_signing_key(const json::object& key, std::string_view user_id,
                                                            std::string_view usage);

/// Whether two signed objects say the same, whoever signed them.
bool same_signed_content(const json::object& one, const json::object& other);
/// The signatures of `signer` on a signed object, by key ID; null if there are none.
const json::object* signatures_of(const json::object& object, std::string_view signer);
/// Puts a signature under signatures.<signer>.<key id>.
void add_signature(json::object& object, std::string_view signer, std::string_view key_id,
                   std::string_view signature);

}  // namespace weft::proto
