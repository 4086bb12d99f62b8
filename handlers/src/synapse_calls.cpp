#include "weft/handlers/synapse_calls.hpp"

#include "events/leave_request.hpp"
#include "events/placed_rpc.hpp"
#include "weft/core/errors.hpp"
#include "weft/proto/json.hpp"
#include "weft/proto/room_version.hpp"

namespace weft::handlers {
namespace {

namespace json = boost::json;
using core::MatrixError;
using replication::RpcArgs;
using replication::RpcEmpty;

constexpr std::size_t kBodyBytesMax = 64 * 1024;

const replication::RpcEndpoint<RpcEmpty, RpcEmpty> kMembershipChange{
    {.name = "membership_change",
     .path_args = {"room_id", "user_id", "change"},
     .idempotent = false,
     .body_bytes_max = kBodyBytesMax}};
const replication::RpcEndpoint<RpcEmpty, StreamIdAnswer> kLocallyRejectInvite{
    {.name = "locally_reject_invite", .path_args = {"room_id", "user_id"}, .body_bytes_max = kBodyBytesMax}};
const replication::RpcEndpoint<json::value, RpcEmpty> kStoreRoomOnInvite{
    {.name = "store_room_on_invite", .path_args = {"room_id"}, .body_bytes_max = kBodyBytesMax}};
const replication::RpcEndpoint<RpcEmpty, json::value> kUserDeviceResync{{.name = "user_device_resync",
                                                                         .path_args = {"user_id"},
                                                                         .idempotent = false,
                                                                         .body_bytes_max = kBodyBytesMax}};

proto::RoomId parse_room_id(const std::string& text) {
    auto room_id = proto::RoomId::parse(text);
    if (!room_id) throw MatrixError::invalid_param("not a room ID");
    return std::move(*room_id);
}

}  // namespace

bool SynapseCalls::is_own_user(const std::string& user_id) const {
    const auto user = proto::UserId::parse(user_id);
    return user && user->server_name() == server_name_;
}

/// Who writes typing and the user directory follow the events stream.
void SynapseCalls::check_membership_change(const std::string& room_id, const std::string& user_id,
                                           const std::string& change) const {
    parse_room_id(room_id);
    if (!proto::UserId::is_valid(user_id)) throw MatrixError::invalid_param("not a user ID");
    if (change != "joined" && change != "left")
        throw MatrixError::invalid_param("a membership changes to joined or left");
}

Task<std::int64_t> SynapseCalls::reject_invite(std::string room_id, std::string user_id) {
    auto room = parse_room_id(room_id);
    if (!is_own_user(user_id)) throw MatrixError::invalid_param("not a user of this server");
    const auto state = co_await states_.current_state(room);
    if (state->membership(user_id) == "invite") {
        const auto left = co_await events_.send(leave_request(room, user_id));
        co_return left.stream_ordering;
    }
    co_return co_await events_.reject_invite(std::move(room), std::move(user_id));
}

Task<void> SynapseCalls::store_room(std::string room_id, std::string room_version) {
    parse_room_id(room_id);
    if (!proto::RoomVersion::find(room_version))
        throw MatrixError{400, "M_UNSUPPORTED_ROOM_VERSION", "unknown room version"};
    co_await rooms_.add_of_invite(std::move(room_id), std::move(room_version));
}

void SynapseCalls::serve(replication::RpcServer& server) {
    server.serve<RpcEmpty, RpcEmpty>(kMembershipChange, [this](RpcArgs args, RpcEmpty) -> Task<RpcEmpty> {
        check_membership_change(args.at(0), args.at(1), args.at(2));
        co_return RpcEmpty{};
    });
    server.serve<RpcEmpty, StreamIdAnswer>(
        kLocallyRejectInvite, [this](RpcArgs args, RpcEmpty) -> Task<StreamIdAnswer> {
            const auto token = co_await reject_invite(args.at(0), args.at(1));
            co_return StreamIdAnswer{token};
        });
    server.serve<json::value, RpcEmpty>(
        kStoreRoomOnInvite, [this](RpcArgs args, json::value body) -> Task<RpcEmpty> {
            const auto* object = body.if_object();
            const auto version = object ? proto::get_string(*object, "room_version") : std::nullopt;
            if (!version) throw MatrixError::bad_json("room_version is missing");
            co_await store_room(args.at(0), std::string{*version});
            co_return RpcEmpty{};
        });
    server.serve<RpcEmpty, json::value>(
        kUserDeviceResync, [this](RpcArgs args, RpcEmpty) -> Task<json::value> {
            const auto& user_id = args.at(0);
            if (!proto::UserId::is_valid(user_id)) throw MatrixError::invalid_param("not a user ID");
            if (is_own_user(user_id)) throw MatrixError::invalid_param("a user of this server");
            co_return json::value();  // as where the other server does not answer
        });
}

}  // namespace weft::handlers
