#include "weft/handlers/reading/visibility_rules.hpp"

namespace weft::handlers {

HistoryVisibility history_visibility(std::string_view text) {
    if (text == "world_readable") return HistoryVisibility::kWorldReadable;
    if (text == "invited") return HistoryVisibility::kInvited;
    if (text == "joined") return HistoryVisibility::kJoined;
    return HistoryVisibility::kShared;
}

HistoryVisibility history_visibility_in(const proto::json::object& content) {
    return history_visibility(proto::get_string(content, "history_visibility").value_or(""));
}

bool may_see(const StateAtEvent& state, std::int64_t stream_ordering, const RoomStanding& standing) {
    if (state.visibility == HistoryVisibility::kWorldReadable) return true;
    // Everything else is for members, and for those who were: up to the end of their stay.
    const bool within_stay =
        standing.joined || (standing.former && stream_ordering <= standing.former->left_at);
    if (!within_stay) return false;
    if (state.membership == "join") return true;
    switch (state.visibility) {
        case HistoryVisibility::kWorldReadable:
        case HistoryVisibility::kShared:
            return true;  // the user was joined at the event or later
        case HistoryVisibility::kInvited:
            return state.membership == "invite";
        case HistoryVisibility::kJoined:
            return false;
    }
    return false;
}

}  // namespace weft::handlers
