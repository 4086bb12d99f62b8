#pragma once

#include <cstdint>
#include <string>

#include <boost/json/object.hpp>

#include "weft/core/clock.hpp"
#include "weft/core/task.hpp"
#include "weft/storage/to_device_store.hpp"

namespace weft::handlers {

/// Messages to devices (client-server API, "Send-to-Device messaging"). In the writer of to_device (the
/// master).
class ToDevice {
public:
    /// How long a repeated request is known to be one.
    static constexpr std::int64_t kTransactionLifetimeMs = 24 * 3'600'000;

    ToDevice(storage::ToDeviceStore& store, const core::Clock& clock, std::string server_name)
        : store_{store}, clock_{clock}, server_name_{std::move(server_name)} {}

    /// Sends `messages` (user → device or "*" → content) of one type, once: the same transaction again does
    /// nothing, whichever process gets it. Throws MatrixError M_BAD_JSON or M_INVALID_PARAM.
    Task<void> send(storage::ToDeviceTransaction transaction, boost::json::object messages);

private:
    Task<void> remove_expired();

    storage::ToDeviceStore& store_;
    const core::Clock& clock_;
    std::string server_name_;
    std::int64_t next_cleaning_ms_ = 0;
};

}  // namespace weft::handlers
