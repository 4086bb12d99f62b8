#pragma once

#include <optional>
#include <string>

#include "weft/storage/store_context.hpp"

namespace weft::storage {

struct DehydratedDevice {
    std::string device_id;
    std::string data;  // JSON of the client's making, encrypted within
};

/// Which device of a user is the dehydrated one (dehydrated_devices). DeviceStore::delete_devices() takes the
/// entry away together with the device.
class DehydratedDeviceStore {
public:
    explicit DehydratedDeviceStore(StoreContext context) : context_{std::move(context)} {}

    Task<std::optional<DehydratedDevice>> of_user(std::string user_id);
    /// A user has one: it replaces another.
    Task<void> set(std::string user_id, DehydratedDevice device);

private:
    StoreContext context_;
};

}  // namespace weft::storage
