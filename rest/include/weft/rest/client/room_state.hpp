#pragma once

#include "weft/handlers/rooms/state_events.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// PUT /rooms/{roomId}/state/{eventType}/{stateKey}.
class RoomStateEndpoints {
public:
    explicit RoomStateEndpoints(handlers::StateEvents& state) : state_{state} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> put(http::Request request);

    handlers::StateEvents& state_;
};

}  // namespace weft::rest
