#pragma once

#include "weft/handlers/rooms/messages.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// PUT /rooms/{roomId}/send/… and /rooms/{roomId}/redact/….
class SendEndpoints {
public:
    explicit SendEndpoints(handlers::Messages& messages) : messages_{messages} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> put_message(http::Request request);
    Task<http::Response> put_redaction(http::Request request);

    handlers::Messages& messages_;
};

}  // namespace weft::rest
