#pragma once

#include "weft/handlers/rooms/delayed_events.hpp"
#include "weft/handlers/rooms/messages.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// PUT /rooms/{roomId}/send/… and /rooms/{roomId}/redact/….
class SendEndpoints {
public:
    SendEndpoints(handlers::Messages& messages, handlers::DelayedEvents& delayed)
        : messages_{messages}, delayed_{delayed} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> put_message(http::Request request);
    Task<http::Response> put_redaction(http::Request request);

    handlers::Messages& messages_;
    handlers::DelayedEvents& delayed_;
};

}  // namespace weft::rest
