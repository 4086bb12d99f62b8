#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "weft/core/task.hpp"
#include "weft/storage/cross_signing_store.hpp"
#include "weft/storage/device_store.hpp"
#include "weft/storage/e2e_key_store.hpp"

namespace weft::handlers {

/// Keys of devices: what a device publishes, and what others ask for before they encrypt for it. Publishing
/// and claiming are done in the writer of device_lists (the master), reading anywhere.
class DeviceKeys {
public:
    DeviceKeys(storage::E2eKeyStore& keys, storage::CrossSigningStore& cross_signing,
               storage::DeviceStore& devices, std::string server_name);

    /// What a client uploads; each part may be missing.
    struct Upload {
        std::optional<boost::json::object> device_keys;
        boost::json::object one_time_keys;  // `<algorithm>:<key id>` → key
        boost::json::object fallback_keys;
    };
    /// Returns how many one-time keys there are now. Throws MatrixError: M_BAD_JSON for what is no key;
    /// M_UNKNOWN if a key ID is taken by another key; 401 M_UNKNOWN_TOKEN if the device is gone.
    Task<storage::DeviceKeyCounts> upload(std::string user_id, std::string device_id, Upload upload);

    /// User → devices; an empty list: all of them.
    using Query = std::map<std::string, std::vector<std::string>>;
    /// The body of the answer: device keys and cross-signing keys with the signatures that `viewer` may see.
    Task<boost::json::object> query(std::string viewer, Query query);

    /// The body of the answer: a key for each claim that can be served.
    Task<boost::json::object> claim(std::vector<storage::KeyClaim> claims);

private:
    struct Answer;
    bool is_local(const std::string& user_id) const;
    Task<void> add_device_keys(std::vector<storage::DeviceKeysWanted> wanted, Answer& answer);
    Task<void> add_cross_signing_keys(std::vector<std::string> users, std::string viewer, Answer& answer);

    storage::E2eKeyStore& keys_;
    storage::CrossSigningStore& cross_signing_;
    storage::DeviceStore& devices_;
    std::string server_name_;
};

}  // namespace weft::handlers
