#pragma once

#include "weft/handlers/rooms/membership.hpp"
#include "weft/handlers/rooms/room_directory.hpp"
#include "weft/handlers/rooms/third_party_invites.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// Joining, knocking, inviting, leaving, kicking, banning, forgetting, and the rooms one is in.
class MembershipEndpoints {
public:
    MembershipEndpoints(handlers::Membership& membership, handlers::RoomDirectory& directory,
                        handlers::ThirdPartyInvites& third_party_invites)
        : membership_{membership}, directory_{directory}, third_party_invites_{third_party_invites} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> post_join(http::Request request);
    Task<http::Response> post_join_by_alias(http::Request request);
    Task<http::Response> post_knock(http::Request request);
    Task<http::Response> post_leave(http::Request request);
    Task<http::Response> post_invite(http::Request request);
    Task<http::Response> post_kick(http::Request request);
    Task<http::Response> post_ban(http::Request request);
    Task<http::Response> post_unban(http::Request request);
    Task<http::Response> post_forget(http::Request request);
    Task<http::Response> get_joined_rooms(http::Request request);

    Task<http::Response> enter(handlers::MembershipAction action, proto::RoomId room_id,
                               http::Request request);
    Task<http::Response> change_other(handlers::MembershipAction action, http::Request request);

    handlers::Membership& membership_;
    handlers::RoomDirectory& directory_;
    handlers::ThirdPartyInvites& third_party_invites_;
};

}  // namespace weft::rest
