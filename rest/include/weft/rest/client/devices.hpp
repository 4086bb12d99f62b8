#pragma once

#include "weft/core/task.hpp"
#include "weft/handlers/accounts/devices.hpp"
#include "weft/handlers/accounts/interactive_auth.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// One's own devices: /devices, /delete_devices.
class DevicesEndpoints {
public:
    DevicesEndpoints(handlers::Devices& devices, handlers::InteractiveAuth& interactive_auth)
        : devices_{devices}, interactive_auth_{interactive_auth} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> get_devices(http::Request request);
    Task<http::Response> get_device(http::Request request);
    Task<http::Response> put_device(http::Request request);
    Task<http::Response> delete_device(http::Request request);
    Task<http::Response> post_delete_devices(http::Request request);

    handlers::Devices& devices_;
    handlers::InteractiveAuth& interactive_auth_;
};

}  // namespace weft::rest
