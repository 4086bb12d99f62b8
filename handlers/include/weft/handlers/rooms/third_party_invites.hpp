#pragma once

#include <string>

#include "weft/core/clock.hpp"
#include "weft/core/config.hpp"
#include "weft/core/rate_limiter.hpp"
#include "weft/handlers/event_sender.hpp"
#include "weft/handlers/rooms/actor.hpp"
#include "weft/handlers/accounts/identity_servers.hpp"
#include "weft/handlers/rooms/membership.hpp"
#include "weft/handlers/rooms/room_reader.hpp"
#include "weft/storage/state_store.hpp"

namespace weft::handlers {

/// Inviting by e-mail address (client-server API, "Third-party invites"). Throw MatrixError as Membership and
/// IdentityServers do.
class ThirdPartyInvites {
public:
    ThirdPartyInvites(RoomReader& rooms, EventSender& sender, Membership& membership,
                      storage::StateStore& state, IdentityServers& identity_servers, const core::Clock& clock,
                      const core::Config& config);

    /// Invites the user to whom the address belongs; else announces the invitation with an
    /// m.room.third_party_invite, and the identity server writes to the address.
    Task<void> invite(Actor actor, proto::RoomId room_id, ThirdPartyInvitee invitee);

    /// Makes an announced invitation one of the user's, in the name of who announced it. `proof` is what the
    /// identity server signed: `mxid`, `token`, `signatures`. M_FORBIDDEN if it proves nothing. Nothing
    /// happens if the user is invited or joined already.
    Task<void> redeem(proto::UserId user_id, proto::RoomId room_id, proto::json::object proof);

private:
    Task<void> announce(Actor actor, proto::RoomId room_id, ThirdPartyInvitee invitee);
    Task<proto::json::object> about(Actor actor, proto::RoomId room_id);
    Task<void> require_valid_key(proto::json::object announced, proto::json::object proof);

    RoomReader& rooms_;
    EventSender& sender_;
    Membership& membership_;
    storage::StateStore& state_;
    IdentityServers& identity_servers_;
    const core::Clock& clock_;
    std::string server_name_;
    core::RateLimiter invites_;  // by who invites: each makes requests to a server of the client's choice
};

}  // namespace weft::handlers
