#pragma once

#include "weft/core/task.hpp"
#include "weft/handlers/e2e/dehydrated_devices.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// Dehydrated devices (MSC3814): /dehydrated_device and /dehydrated_device/{deviceId}/events.
class DehydratedDeviceEndpoints {
public:
    explicit DehydratedDeviceEndpoints(handlers::DehydratedDevices& devices) : devices_{devices} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> put(http::Request request);
    Task<http::Response> get(http::Request request);
    Task<http::Response> remove(http::Request request);
    Task<http::Response> post_events(http::Request request);

    handlers::DehydratedDevices& devices_;
};

}  // namespace weft::rest
