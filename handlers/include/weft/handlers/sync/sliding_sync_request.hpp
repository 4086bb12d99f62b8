#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "weft/handlers/sync/sync_token.hpp"

namespace weft::handlers {

/// `pos`: which position of the connection the client has, and up to where it has been told of all streams.
/// Text form:
/// `<position>/<sync token>`.
struct SlidingToken {
    std::int64_t position_id = 0;
    SyncToken streams;

    static std::optional<SlidingToken> parse(std::string_view text);
    std::string to_string() const;
};

/// Type and state key of wanted state. `*` stands for all, `$ME` for the user, `$LAZY` for members as they
/// are needed.
using RequiredState = std::vector<std::pair<std::string, std::string>>;

/// What is wanted of rooms.
struct SlidingRoomConfig {
    std::int64_t timeline_limit = 0;
    RequiredState required_state;
};

struct SlidingFilters {
    std::optional<bool> is_dm;
    std::optional<bool> is_encrypted;
    std::optional<bool> is_invite;
    /// Room types; none of a type stands for rooms without one.
    std::optional<std::vector<std::optional<std::string>>> room_types;
    std::vector<std::optional<std::string>> not_room_types;
    std::optional<std::vector<std::string>> tags;  // any of them
    std::vector<std::string> not_tags;
    std::optional<std::vector<std::string>> spaces;  // children of any of them
    std::optional<std::string> name_like;
};

struct SlidingList {
    SlidingRoomConfig rooms;
    std::vector<std::pair<std::size_t, std::size_t>> ranges;  // first and last place
    SlidingFilters filters;
};

/// An extension, and to which rooms it applies: those of the lists and subscriptions named; all if none are.
struct SlidingExtension {
    bool enabled = false;
    std::optional<std::vector<std::string>> lists;
    std::optional<std::vector<std::string>> rooms;
};

struct SlidingToDevice {
    bool enabled = false;
    std::int64_t since = 0;
    std::size_t limit = 100;
};

/// POST /sync of MSC4186 (simplified sliding sync).
struct SlidingSyncRequest {
    std::string user_id;
    std::string device_id;
    std::string conn_id;
    std::optional<SlidingToken> pos;
    std::int64_t timeout_ms = 0;
    std::string set_presence = "online";
    std::map<std::string, SlidingList> lists;
    std::map<std::string, SlidingRoomConfig> subscriptions;  // by room
    SlidingToDevice to_device;
    bool e2ee = false;
    SlidingExtension account_data;
    SlidingExtension receipts;
    SlidingExtension typing;
};

}  // namespace weft::handlers
