#include "weft/handlers/reading/room_access.hpp"

#include "weft/core/errors.hpp"
#include "weft/proto/event_types.hpp"

namespace weft::handlers {
namespace {

namespace event_type = proto::event_type;

/// How many invites and bans after the end of a stay are looked through for it.
constexpr int kMembershipsMax = 100;

core::MatrixError not_a_member(const std::string& user_id, const proto::RoomId& room_id) {
    return core::MatrixError::forbidden(fmt::format("User {} is not in room {}", user_id, room_id));
}

}  // namespace

Task<ReadAccess> RoomAccess::require(std::string user_id, proto::RoomId room_id) {
    ReadAccess access;
    access.standing = co_await standing(user_id, room_id);
    if (access.standing.joined) co_return access;
    const auto open = co_await states_.current_event(room_id, std::string{event_type::kHistoryVisibility});
    access.world_readable =
        open && history_visibility_in(open->content()) == HistoryVisibility::kWorldReadable;
    if (!access.standing.former && !access.world_readable) throw not_a_member(user_id, room_id);
    co_return access;
}

Task<void> RoomAccess::require_joined(std::string user_id, proto::RoomId room_id) {
    const auto rooms = co_await states_.rooms_of_user(user_id);
    const auto room = rooms->find(room_id);
    if (room == rooms->end() || room->second.membership != "join") throw not_a_member(user_id, room_id);
}

Task<RoomStanding> RoomAccess::standing(std::string user_id, proto::RoomId room_id) {
    RoomStanding standing;
    const auto rooms = co_await states_.rooms_of_user(user_id);
    const auto room = rooms->find(room_id);
    if (room == rooms->end()) co_return standing;
    standing.joined = room->second.membership == "join";
    if (!standing.joined && !room->second.forgotten) {
        standing.former = co_await former_stay(std::move(user_id), room->second.event_id);
    }
    co_return standing;
}

Task<std::optional<RoomStanding::FormerStay>> RoomAccess::former_stay(std::string user_id,
                                                                      proto::EventId membership_event) {
    auto event = co_await events_.get_event(std::move(membership_event));
    for (int looked_at = 0; event && looked_at < kMembershipsMax; ++looked_at) {
        auto before = co_await membership_before(user_id, event);
        if (before && before->membership() == "join") {
            co_return RoomStanding::FormerStay{event->event_id(), event->stream_ordering()};
        }
        event = std::move(before);
    }
    co_return std::nullopt;
}

Task<proto::EventPtr> RoomAccess::membership_before(std::string user_id, proto::EventPtr event) {
    if (event->outlier()) co_return nullptr;  // of a room we were not in: nothing came before
    if (const auto replaced = proto::get_string(event->unsigned_data(), "replaces_state")) {
        co_return co_await events_.get_event(proto::EventId::trusted(std::string{*replaced}));
    }
    const auto state = co_await states_.state_before(event->event_id());
    if (!state) co_return nullptr;
    const auto found = state->find({std::string{event_type::kMember}, std::move(user_id)});
    if (found == state->end()) co_return nullptr;
    co_return co_await events_.get_event(found->second);
}

}  // namespace weft::handlers
