#pragma once

#include <optional>
#include <string>

#include <boost/json/object.hpp>

#include "weft/core/linearizer.hpp"
#include "weft/core/task.hpp"
#include "weft/handlers/accounts/devices.hpp"
#include "weft/handlers/e2e/device_keys.hpp"
#include "weft/storage/dehydrated_device_store.hpp"
#include "weft/storage/to_device_store.hpp"

namespace weft::handlers {

/// A device that a user leaves on the server, keys and all, so that room keys find somebody while no other
/// device is logged in (MSC3814). Changes are made in the writer of device_lists (the master), reading
/// anywhere.
class DehydratedDevices {
public:
    /// Messages in one answer.
    static constexpr std::size_t kMessagesMax = 100;

    DehydratedDevices(storage::DehydratedDeviceStore& store, storage::DeviceStore& device_store,
                      storage::ToDeviceStore& to_device, Devices& devices, DeviceKeys& keys);

    struct Wanted {
        std::string device_id;
        std::optional<std::string> display_name;
        boost::json::object data;
        DeviceKeys::Upload keys;  // with device keys
    };
    /// Makes the device with its keys; the one that the user had before goes. Throws MatrixError:
    /// M_INVALID_PARAM for the ID of a device that is logged in, and what DeviceKeys::upload() throws;
    /// nothing has changed then.
    Task<void> put(std::string user_id, Wanted wanted);
    /// Throws M_NOT_FOUND if the user has none.
    Task<storage::DehydratedDevice> get(std::string user_id);
    /// Returns the ID of the device that was. Throws M_NOT_FOUND.
    Task<std::string> remove(std::string user_id);

    struct Messages {
        std::vector<std::string> events;  // JSON texts, oldest first; none: that was all
        std::string next_batch;
    };
    /// The messages after `next_batch`, or from the first. They stay until the device goes: whoever wakes the
    /// device may end half-way, and another begins again. Throws 403 M_FORBIDDEN for another device,
    /// M_INVALID_PARAM for a bad token.
    Task<Messages> messages(std::string user_id, std::string device_id,
                            std::optional<std::string> next_batch);

private:
    storage::DehydratedDeviceStore& store_;
    storage::DeviceStore& device_store_;
    storage::ToDeviceStore& to_device_;
    Devices& devices_;
    DeviceKeys& keys_;
    core::Linearizer changes_{"dehydrated_devices"};  // by user
};

}  // namespace weft::handlers
