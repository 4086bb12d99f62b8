#pragma once

#include <optional>
#include <string>
#include <vector>

#include "weft/core/clock.hpp"
#include "weft/core/config.hpp"
#include "weft/core/rate_limiter.hpp"
#include "weft/handlers/event_sender.hpp"
#include "weft/handlers/rooms/actor.hpp"
#include "weft/handlers/rooms/room_reader.hpp"
#include "weft/storage/account_data_store.hpp"
#include "weft/storage/profile_store.hpp"
#include "weft/storage/room_store.hpp"

namespace weft::handlers {

/// What is to happen to somebody's membership. kLeave is done by the user, kKick and kUnban by another.
enum class MembershipAction { kJoin, kKnock, kInvite, kLeave, kKick, kBan, kUnban };

struct MembershipRequest {
    MembershipRequest(MembershipAction action, proto::RoomId room, Actor who, proto::UserId target)
        : action{action}, room_id{std::move(room)}, actor{std::move(who)}, target{std::move(target)} {}

    MembershipAction action;
    proto::RoomId room_id;
    Actor actor;
    /// Whose membership changes; the actor for kJoin, kKnock and kLeave.
    proto::UserId target;
    /// What the event is to hold besides the membership and the profile: `reason`, `is_direct`. Name and
    /// avatar given here take the place of those in the profile.
    proto::json::object content;
    /// Send an event even if the membership is this one already (a name or avatar for one room).
    bool again = false;
};

/// Joining, inviting, leaving and all that: the rules of client-server API, "Room membership", before the
/// auth rules decide. Logic thread only.
class Membership {
public:
    Membership(RoomReader& rooms, EventSender& sender, storage::StateStore& state,
               storage::ProfileStore& profiles, storage::RoomStore& store, storage::AccountDataStore& account_data,
               const core::Clock& clock, const core::Config& config);

    /// Makes the membership so and returns its event, which is visible in this process then. What is so
    /// already is left as it is. Throws MatrixError: M_FORBIDDEN, M_BAD_STATE, M_NOT_FOUND, M_LIMIT_EXCEEDED, M_INVITE_BLOCKED,
    /// M_GUEST_ACCESS_FORBIDDEN.
    Task<proto::EventId> change(MembershipRequest request);

    /// The same from a client's m.room.member content, whose `membership` and the membership so far say what
    /// is meant.
    Task<proto::EventId> change_by_content(Actor actor, proto::RoomId room_id, std::string state_key,
                                           proto::json::object content);

    /// Counts invites for a room that is still to be made; throws as inviting would.
    Task<void> check_first_invites(std::vector<proto::UserId> targets);
    /// Sends them, all or none, as checked.
    Task<void> send_first_invites(Actor actor, proto::RoomId room_id, std::vector<proto::UserId> targets,
                                  bool is_direct);

    /// The user forgets a room they are not in. Throws M_UNKNOWN if they are.
    Task<void> forget(Actor actor, proto::RoomId room_id);
    /// Guests leave a room that does not let them in any more.
    Task<void> remove_guests(proto::RoomId room_id);
    /// Rooms in which the user is joined, ordered.
    Task<std::vector<proto::RoomId>> joined_rooms(proto::UserId user_id);

    /// Content of a membership event of a local user: their name and avatar, where `content` does not say
    /// otherwise.
    Task<proto::json::object> with_profile(proto::UserId user_id, std::string_view membership,
                                           proto::json::object content);

private:
    Task<proto::EventId> join(MembershipRequest request);
    Task<proto::EventId> knock(MembershipRequest request);
    Task<proto::EventId> invite(MembershipRequest request);
    Task<proto::EventId> leave(MembershipRequest request);
    Task<proto::EventId> remove(MembershipRequest request);
    Task<proto::EventId> send(MembershipRequest request, std::string_view membership,
                              proto::json::object content, proto::json::object unsigned_data = {});

    Task<void> require_not_blocked(proto::RoomId room_id);
    Task<void> require_guest_access(proto::RoomId room_id);
    Task<std::string> authorising_user(proto::RoomId room_id, proto::UserId user_id);
    Task<bool> is_in_allowed_room(proto::json::object join_rules, proto::UserId user_id);
    void require_local_invitee(const proto::UserId& target) const;
    Task<void> require_invitable(proto::UserId target);

    RoomReader& rooms_;
    EventSender& sender_;
    storage::StateStore& state_;
    storage::ProfileStore& profiles_;
    storage::RoomStore& store_;
    storage::AccountDataStore& account_data_;
    const core::Clock& clock_;
    std::string server_name_;
    core::RateLimiter joins_;
    core::RateLimiter invites_per_room_;
    core::RateLimiter invites_per_user_;
};

}  // namespace weft::handlers
