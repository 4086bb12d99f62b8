#pragma once

#include "weft/core/clock.hpp"
#include "weft/handlers/reading/aggregations.hpp"
#include "weft/handlers/reading/message_pages.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// GET /rooms/{roomId}/messages.
class MessagesEndpoints {
public:
    MessagesEndpoints(handlers::MessagePages& pages, handlers::Aggregations& aggregations, const core::Clock& clock)
        : pages_{pages}, aggregations_{aggregations}, clock_{clock} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> get_messages(http::Request request);

    handlers::MessagePages& pages_;
    handlers::Aggregations& aggregations_;
    const core::Clock& clock_;
};

}  // namespace weft::rest
