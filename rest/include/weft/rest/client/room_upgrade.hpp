#pragma once

#include "weft/handlers/rooms/room_upgrade.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// POST /rooms/{roomId}/upgrade.
class RoomUpgradeEndpoints {
public:
    explicit RoomUpgradeEndpoints(handlers::RoomUpgrade& upgrade) : upgrade_{upgrade} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> post(http::Request request);

    handlers::RoomUpgrade& upgrade_;
};

}  // namespace weft::rest
