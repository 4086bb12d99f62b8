#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "weft/proto/ids.hpp"

namespace weft::handlers {

/// The local user who does something in a room.
struct Actor {
    explicit Actor(proto::UserId user) : user_id{std::move(user)} {}

    proto::UserId user_id;
    /// Empty: a token without device.
    std::string device_id;
    bool guest = false;
    /// A server administrator.
    bool admin = false;
    /// May do nothing to what others wrote.
    bool suspended = false;
    /// Of the application service that acts in the user's name; empty: nobody does.
    std::string appservice_id = {};
    /// When it happened, where an application service says so.
    std::optional<std::int64_t> at_ms = std::nullopt;
};

}  // namespace weft::handlers
