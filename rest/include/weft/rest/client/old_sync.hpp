#pragma once

#include "weft/core/clock.hpp"
#include "weft/handlers/reading/aggregations.hpp"
#include "weft/handlers/sync/old_sync.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// GET /initialSync, /rooms/{roomId}/initialSync, /events and /events/{eventId}.
class OldSyncEndpoints {
public:
    OldSyncEndpoints(handlers::OldSync& sync, handlers::Aggregations& aggregations, const core::Clock& clock)
        : sync_{sync}, aggregations_{aggregations}, clock_{clock} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> get_initial_sync(http::Request request);
    Task<http::Response> get_room(http::Request request);
    Task<http::Response> get_events(http::Request request);
    Task<http::Response> get_event(http::Request request);

    handlers::OldSync& sync_;
    handlers::Aggregations& aggregations_;
    const core::Clock& clock_;
};

}  // namespace weft::rest
