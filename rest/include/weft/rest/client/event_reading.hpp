#pragma once

#include "weft/core/clock.hpp"
#include "weft/handlers/reading/aggregations.hpp"
#include "weft/handlers/reading/event_reader.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// GET /rooms/{roomId}/event/{eventId}, /rooms/{roomId}/context/{eventId} and /rooms/{roomId}/timestamp_to_event.
class EventReadingEndpoints {
public:
    EventReadingEndpoints(handlers::EventReader& events, handlers::Aggregations& aggregations, const core::Clock& clock)
        : events_{events}, aggregations_{aggregations}, clock_{clock} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> get_event(http::Request request);
    Task<http::Response> get_context(http::Request request);
    Task<http::Response> get_by_time(http::Request request);

    handlers::EventReader& events_;
    handlers::Aggregations& aggregations_;
    const core::Clock& clock_;
};

}  // namespace weft::rest
