#pragma once

#include "weft/core/clock.hpp"
#include "weft/handlers/reading/message_pages.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// GET /rooms/{roomId}/messages.
class MessagesEndpoints {
public:
    MessagesEndpoints(handlers::MessagePages& pages, const core::Clock& clock)
        : pages_{pages}, clock_{clock} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> get_messages(http::Request request);

    handlers::MessagePages& pages_;
    const core::Clock& clock_;
};

}  // namespace weft::rest
