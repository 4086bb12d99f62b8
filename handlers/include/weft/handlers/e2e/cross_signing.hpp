#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include <boost/json/object.hpp>

#include "weft/core/linearizer.hpp"
#include "weft/core/task.hpp"
#include "weft/storage/cross_signing_store.hpp"
#include "weft/storage/device_store.hpp"
#include "weft/storage/e2e_key_store.hpp"
#include "weft/storage/user_signature_store.hpp"

namespace weft::handlers {

/// Cross-signing (client-server API, "Cross-signing"): a user's three keys, and who signed what with them. In
/// the writer of device_lists (the master).
class CrossSigning {
public:
    CrossSigning(storage::CrossSigningStore& store, storage::E2eKeyStore& device_keys,
                 storage::DeviceStore& devices, storage::UserSignatureStore& user_signatures);

    struct Keys {
        std::optional<boost::json::object> master;
        std::optional<boost::json::object> self_signing;
        std::optional<boost::json::object> user_signing;
    };
    /// Asks the user for proof of who they are; throws if they have given none.
    using Prove = std::function<Task<void>()>;
    /// Publishes the keys. `prove` is called where keys would be replaced: not for a user's first keys, nor
    /// for the ones they have. Throws MatrixError: M_INVALID_PARAM for what is no key, M_INVALID_SIGNATURE,
    /// M_MISSING_PARAM without a master key, 403 M_FORBIDDEN if a key looks like the ID of a device.
    Task<void> upload_keys(std::string user_id, Keys keys, Prove prove);

    /// Publishes signatures: user → device ID or public key → signed object. Returns what was refused, in the
    /// same form, with an error each.
    Task<boost::json::object> upload_signatures(std::string signer, boost::json::object signed_objects);

private:
    struct Signing;
    using StoredKeys = std::map<std::string, boost::json::object>;  // by type

    Task<StoredKeys> keys_of(std::string user_id);
    Task<void> take_own(Signing& signing, const boost::json::object& objects);
    Task<void> take_others(Signing& signing, std::string target_user_id, const boost::json::object& objects);

    storage::CrossSigningStore& store_;
    storage::E2eKeyStore& device_keys_;
    storage::DeviceStore& devices_;
    storage::UserSignatureStore& user_signatures_;
    core::Linearizer uploads_{"cross_signing"};  // by user
};

}  // namespace weft::handlers
