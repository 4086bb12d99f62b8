#pragma once

#include "weft/core/clock.hpp"
#include "weft/handlers/reading/event_reader.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// GET /rooms/{roomId}/event/{eventId} and /rooms/{roomId}/context/{eventId}.
class EventReadingEndpoints {
public:
    EventReadingEndpoints(handlers::EventReader& events, const core::Clock& clock)
        : events_{events}, clock_{clock} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> get_event(http::Request request);
    Task<http::Response> get_context(http::Request request);

    handlers::EventReader& events_;
    const core::Clock& clock_;
};

}  // namespace weft::rest
