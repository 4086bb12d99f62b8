#pragma once

#include <string>
#include <vector>

#include "weft/storage/store_context.hpp"

namespace weft::storage {

/// A user's master, self-signing or user-signing key.
struct CrossSigningKey {
    std::string user_id;
    std::string type;  // "master", "self_signing" or "user_signing"
    std::string json;
};

struct NewCrossSigningKey {
    std::string type;
    std::string public_key;  // becomes a device ID that nobody can take
    std::string json;
};

/// A signature by a user about a device or a master key, of their own or of somebody else.
struct KeySignature {
    std::string signer;
    std::string key_id;  // of the signing key, e.g. "ed25519:ABC"
    std::string target_user_id;
    std::string target_id;  // a device ID, or a public key
    std::string signature;
};

/// Cross-signing keys of local users, and the signatures that were uploaded apart from what they sign.
class CrossSigningStore {
public:
    explicit CrossSigningStore(StoreContext context) : context_{std::move(context)} {}

    /// The newest key of each type.
    Task<std::vector<CrossSigningKey>> keys(std::vector<std::string> user_ids);
    /// Signatures about devices and keys of these users, by themselves and by `viewer`.
    Task<std::vector<KeySignature>> signatures(std::vector<std::string> user_ids, std::string viewer);

    /// Replaces the user's keys of these types. False, and nothing is stored, if a public key is the ID of
    /// one of the user's devices. Two calls for one user must not overlap.
    Task<bool> set_keys(std::string user_id, std::vector<NewCrossSigningKey> keys);
    /// A new signature with the same key about the same target replaces the old one.
    Task<void> add_signatures(std::vector<KeySignature> signatures);

private:
    StoreContext context_;
};

}  // namespace weft::storage
