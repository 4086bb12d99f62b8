#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "weft/storage/store_context.hpp"
#include "weft/storage/stream_updates.hpp"

namespace weft::storage {

struct Device {
    std::string user_id;
    std::string device_id;
    std::optional<std::string> display_name;
    std::optional<std::int64_t> last_seen_ms;
    std::optional<std::string> last_seen_ip;
    std::optional<std::string> user_agent;
};

/// What became of storing a device.
enum class StoredDevice {
    kCreated,
    kExists,    // nothing was changed
    kReserved,  // the ID is that of a cross-signing key: it cannot be a device
};

/// Devices of local users, and the `device_lists` stream: who must look at whose devices again. Row: [user ID
/// or host].
class DeviceStore {
public:
    DeviceStore(StoreContext context, StreamState& device_lists);

    Task<StoredDevice> store_device(std::string user_id, std::string device_id,
                                    std::optional<std::string> initial_display_name);
    Task<std::optional<Device>> get_device(std::string user_id, std::string device_id);
    /// Ordered by device ID; without the hidden entries of cross-signing keys.
    Task<std::vector<Device>> get_devices(std::string user_id);
    /// False if there is no such device.
    Task<bool> set_display_name(std::string user_id, std::string device_id,
                                std::optional<std::string> display_name);
    /// Removes the devices with their keys and undelivered messages (access tokens: AccessTokenStore).
    /// Returns which existed. Does not write the stream: add_changes() does.
    Task<std::vector<std::string>> delete_devices(std::string user_id, std::vector<std::string> device_ids);

    /// The devices of `user_id` have changed: clients that share a room learn of it, and `hosts` (other
    /// servers in the user's rooms) get a poke each. Returns the newest token. Where the stream is not written
    /// here the writer is asked to do it.
    Task<std::int64_t> add_changes(std::string user_id, std::vector<std::string> device_ids,
                                   std::vector<std::string> hosts);
    /// Which of `users` changed in (from, to]. Asks the database only if the change cache cannot say no.
    Task<std::vector<std::string>> users_changed(std::vector<std::string> users, std::int64_t from,
                                                 std::int64_t to);

    using AddChanges = std::function<Task<std::int64_t>(std::string user_id, std::vector<std::string> device_ids,
                                                        std::vector<std::string> hosts)>;
    /// Processes that do not write the stream: how the writer is asked for add_changes().
    void set_remote_writer(AddChanges function) { remote_ = std::move(function); }

    Task<StreamUpdates> updates(std::int64_t from, std::int64_t to, std::size_t limit);
    StreamState& stream() { return device_lists_; }

private:
    StoreContext context_;
    StreamState& device_lists_;
    AddChanges remote_;
};

}  // namespace weft::storage
