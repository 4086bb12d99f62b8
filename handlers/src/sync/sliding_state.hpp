#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weft/handlers/sync/sliding_sync_request.hpp"

namespace weft::handlers {

/// What a room is to the user, as far as it decides what a client is shown of it.
enum class SlidingStanding { kJoined, kPending, kLeft };

/// What a connection's client was sent of a room.
struct SlidingRoomState {
    SlidingStanding standing = SlidingStanding::kJoined;
    std::int64_t timeline_limit = 0;
    std::size_t config = 0;  // place of the required state in SlidingConnectionState::configs
    /// Up to where it was told, if more has happened since than it was; none: of all there was.
    std::optional<SyncToken> upto;

    bool operator==(const SlidingRoomState&) const = default;
};

/// What a connection's client was sent. Text form: JSON.
struct SlidingConnectionState {
    std::map<std::string, SlidingRoomState> rooms;
    std::vector<RequiredState> configs;

    /// Place of `required` among the configs, where it is put if it is not there.
    std::size_t place_of(const RequiredState& required);
    /// Forgets configs that no room has any more.
    void drop_unused();

    static std::optional<SlidingConnectionState> parse(std::string_view text);
    std::string to_string() const;
    bool operator==(const SlidingConnectionState&) const = default;
};

}  // namespace weft::handlers
