#pragma once

#include "weft/core/task.hpp"
#include "weft/handlers/e2e/device_keys.hpp"
#include "weft/handlers/e2e/device_list_changes.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// Keys of devices: /keys/upload, /keys/query, /keys/claim, /keys/changes.
class KeysEndpoints {
public:
    KeysEndpoints(handlers::DeviceKeys& keys, handlers::DeviceListChanges& changes)
        : keys_{keys}, changes_{changes} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> post_upload(http::Request request);
    Task<http::Response> post_query(http::Request request);
    Task<http::Response> post_claim(http::Request request);
    Task<http::Response> get_changes(http::Request request);

    handlers::DeviceKeys& keys_;
    handlers::DeviceListChanges& changes_;
};

}  // namespace weft::rest
