#pragma once

#include "weft/core/task.hpp"
#include "weft/handlers/ephemeral/presence_status.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// /presence/{userId}/status.
class PresenceEndpoints {
public:
    explicit PresenceEndpoints(handlers::PresenceStatus& presence) : presence_{presence} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> get_status(http::Request request);
    Task<http::Response> put_status(http::Request request);

    handlers::PresenceStatus& presence_;
};

}  // namespace weft::rest
