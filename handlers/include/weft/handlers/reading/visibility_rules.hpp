#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "weft/proto/event.hpp"

namespace weft::handlers {

/// Who may see what is sent into a room (client-server API, "Room history visibility").
enum class HistoryVisibility { kWorldReadable, kShared, kInvited, kJoined };

/// "shared" for everything that is not understood, as the specification has it.
HistoryVisibility history_visibility(std::string_view text);
/// What m.room.history_visibility content says.
HistoryVisibility history_visibility_in(const proto::json::object& content);

/// How a user stands to a room now.
struct RoomStanding {
    RoomStanding() = default;

    /// A former member's latest stay, which ended with `left_by`.
    struct FormerStay {
        FormerStay(proto::EventId by, std::int64_t at) : left_by{std::move(by)}, left_at{at} {}
        proto::EventId left_by;
        std::int64_t left_at;  // stream ordering
    };
    bool joined = false;
    std::optional<FormerStay> former;  // never while joined, nor after the user has forgotten the room
};

/// The room's state at an event, as far as it decides about who sees it.
struct StateAtEvent {
    HistoryVisibility visibility = HistoryVisibility::kShared;
    /// Of the user who looks.
    std::string_view membership = "leave";
};

/// Whether the rules let a user see an event that stands at `stream_ordering`. Pure. What events of the types
/// m.room.history_visibility and m.room.member have of their own is for the caller.
bool may_see(const StateAtEvent& state, std::int64_t stream_ordering, const RoomStanding& standing);

}  // namespace weft::handlers
