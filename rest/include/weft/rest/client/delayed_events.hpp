#pragma once

#include "weft/handlers/rooms/delayed_events.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// GET and POST /unstable/org.matrix.msc4140/delayed_events (MSC4140).
class DelayedEventEndpoints {
public:
    explicit DelayedEventEndpoints(handlers::DelayedEvents& delayed) : delayed_{delayed} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> get_waiting(http::Request request);
    Task<http::Response> post_action(http::Request request);

    handlers::DelayedEvents& delayed_;
};

}  // namespace weft::rest
