#pragma once

#include "weft/core/clock.hpp"
#include "weft/handlers/reading/aggregations.hpp"
#include "weft/handlers/reading/related_events.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// GET /rooms/{roomId}/relations/{eventId}, with a relation type and with an event type too, and
/// GET /rooms/{roomId}/threads.
class RelationsEndpoints {
public:
    RelationsEndpoints(handlers::RelatedEvents& related, handlers::Aggregations& aggregations,
                       const core::Clock& clock)
        : related_{related}, aggregations_{aggregations}, clock_{clock} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> get_relations(http::Request request);
    Task<http::Response> get_threads(http::Request request);

    handlers::RelatedEvents& related_;
    handlers::Aggregations& aggregations_;
    const core::Clock& clock_;
};

}  // namespace weft::rest
