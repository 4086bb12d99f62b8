#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weft/core/cache.hpp"
#include "weft/storage/store_context.hpp"

namespace weft::storage {

/// A one-time or fallback key; `json` is a string or an object.
struct OneTimeKey {
    std::string algorithm;
    std::string key_id;
    std::string json;
};

/// What a device publishes at once.
struct KeyUpload {
    std::string user_id;
    std::string device_id;
    std::optional<std::string> device_keys;  // canonical JSON
    std::vector<OneTimeKey> one_time_keys;
    std::vector<OneTimeKey> fallback_keys;  // one an algorithm
};

/// What a device still has on the server.
struct DeviceKeyCounts {
    std::map<std::string, std::int64_t> one_time;    // algorithm → unclaimed keys
    std::vector<std::string> unused_fallback_types;  // algorithms, sorted
    bool operator==(const DeviceKeyCounts&) const = default;
};

struct KeyUploadOutcome {
    bool device_exists = true;           // false: nothing was stored
    std::optional<OneTimeKey> conflict;  // a name that another key has (this one): nothing was stored
    bool device_keys_changed = false;
    DeviceKeyCounts counts;
};

/// Which device keys are wanted; no device: all of the user's.
struct DeviceKeysWanted {
    std::string user_id;
    std::optional<std::string> device_id;
};

struct PublishedDeviceKeys {
    std::string user_id;
    std::string device_id;
    std::string json;
    std::optional<std::string> display_name;
};

struct KeyClaim {
    std::string user_id;
    std::string device_id;
    std::string algorithm;
};

struct ClaimedKey {
    std::string user_id;
    std::string device_id;
    OneTimeKey key;
};

/// Keys of local users' devices: identity keys, one-time keys and fallback keys.
class E2eKeyStore {
public:
    explicit E2eKeyStore(StoreContext context);

    /// All or nothing. A one-time key that is there already is passed over.
    Task<KeyUploadOutcome> upload(KeyUpload upload);
    /// Of devices that exist and have published keys.
    Task<std::vector<PublishedDeviceKeys>> device_keys(std::vector<DeviceKeysWanted> wanted);
    /// The oldest one-time key for each claim, or else the fallback key; none for a device that has neither.
    /// A one-time key is handed out once, whoever claims at the same time.
    Task<std::vector<ClaimedKey>> claim(std::vector<KeyClaim> claims);

    /// Cached; `signed_curve25519` is always among the counts, because clients take silence for "no news".
    Task<std::shared_ptr<const DeviceKeyCounts>> counts(std::string user_id, std::string device_id);
    /// Called when the counts of a device may have changed, wherever that was written.
    using CountsChanged = std::function<void(const std::string& user_id, const std::string& device_id)>;
    void on_counts_changed(CountsChanged callback) { counts_changed_ = std::move(callback); }

private:
    void forget_counts(const std::vector<std::string>& keys);

    StoreContext context_;
    core::Cache<KeyPair, DeviceKeyCounts, KeyPairHash> counts_;
    CountsChanged counts_changed_;
};

/// Names on the caches stream of what a device's key counts depend on; keys are user and device.
inline constexpr auto kOneTimeKeyCountCache = "count_e2e_one_time_keys";
inline constexpr auto kUnusedFallbackCache = "get_e2e_unused_fallback_key_types";

}  // namespace weft::storage
