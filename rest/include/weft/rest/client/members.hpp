#pragma once

#include "weft/core/clock.hpp"
#include "weft/handlers/reading/room_state_reader.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// GET /rooms/{roomId}/members and /rooms/{roomId}/joined_members.
class MembersEndpoints {
public:
    MembersEndpoints(handlers::RoomStateReader& states, const core::Clock& clock)
        : states_{states}, clock_{clock} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> get_members(http::Request request);
    Task<http::Response> get_joined_members(http::Request request);

    handlers::RoomStateReader& states_;
    const core::Clock& clock_;
};

}  // namespace weft::rest
