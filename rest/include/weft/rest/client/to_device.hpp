#pragma once

#include "weft/core/task.hpp"
#include "weft/handlers/e2e/to_device.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// Messages to devices: /sendToDevice.
class ToDeviceEndpoints {
public:
    explicit ToDeviceEndpoints(handlers::ToDevice& to_device) : to_device_{to_device} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> put(http::Request request);

    handlers::ToDevice& to_device_;
};

}  // namespace weft::rest
