#pragma once

#include "weft/core/clock.hpp"
#include "weft/core/config.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// GET /voip/turnServer.
class VoipEndpoints {
public:
    VoipEndpoints(const core::Config& config, const core::Clock& clock) : turn_{config.turn}, clock_{clock} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> get_turn_server(http::Request request);

    core::TurnConfig turn_;
    const core::Clock& clock_;
};

}  // namespace weft::rest
