#pragma once

#include "weft/handlers/rooms/delayed_events.hpp"
#include "weft/handlers/rooms/state_events.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// PUT /rooms/{roomId}/state/{eventType}/{stateKey}.
class RoomStateEndpoints {
public:
    RoomStateEndpoints(handlers::StateEvents& state, handlers::DelayedEvents& delayed)
        : state_{state}, delayed_{delayed} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> put(http::Request request);

    handlers::StateEvents& state_;
    handlers::DelayedEvents& delayed_;
};

}  // namespace weft::rest
