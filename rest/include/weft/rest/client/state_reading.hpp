#pragma once

#include "weft/core/clock.hpp"
#include "weft/handlers/reading/room_state_reader.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// GET /rooms/{roomId}/state and /rooms/{roomId}/state/{eventType}/{stateKey}.
class StateReadingEndpoints {
public:
    StateReadingEndpoints(handlers::RoomStateReader& states, const core::Clock& clock)
        : states_{states}, clock_{clock} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> get_state(http::Request request);
    Task<http::Response> get_state_event(http::Request request);

    handlers::RoomStateReader& states_;
    const core::Clock& clock_;
};

}  // namespace weft::rest
