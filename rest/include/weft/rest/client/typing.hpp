#pragma once

#include "weft/core/task.hpp"
#include "weft/handlers/ephemeral/presence.hpp"
#include "weft/handlers/ephemeral/typing.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// PUT /rooms/{roomId}/typing/{userId}.
class TypingEndpoints {
public:
    TypingEndpoints(handlers::Typing& typing, handlers::Presence& presence)
        : typing_{typing}, presence_{presence} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> put(http::Request request);

    handlers::Typing& typing_;
    handlers::Presence& presence_;
};

}  // namespace weft::rest
