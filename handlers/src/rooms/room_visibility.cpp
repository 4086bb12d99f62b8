#include "weft/handlers/rooms/room_visibility.hpp"

#include "rooms/set_visibility.hpp"

namespace weft::handlers {

namespace {

const replication::RpcEndpoint<SetVisibility, replication::RpcEmpty> kSetVisibility{
    {.name = "weft_room_visibility", .path_args = {"room_id"}}};

Task<replication::RpcEmpty> answer(LocalRoomVisibility& visibility, replication::RpcArgs args,
                                   SetVisibility request) {
    auto room_id = proto::RoomId::parse(args.at(0));
    if (!room_id) throw core::MatrixError::invalid_param(room_id.error().message);
    co_await visibility.set_public(*room_id, request.visible);
    co_return replication::RpcEmpty{};
}

}  // namespace

Task<void> LocalRoomVisibility::set_public(proto::RoomId room_id, bool visible) {
    co_await store_.set_public(room_id.str(), visible);
}

Task<void> RemoteRoomVisibility::set_public(proto::RoomId room_id, bool visible) {
    co_await rpc_.call(kSetVisibility, writer_, {room_id.str()}, SetVisibility{visible});
}

void serve_room_visibility(replication::RpcServer& server, LocalRoomVisibility& visibility) {
    server.serve<SetVisibility, replication::RpcEmpty>(
        kSetVisibility, [&visibility](replication::RpcArgs args, SetVisibility request) {
            return answer(visibility, std::move(args), request);
        });
}

}  // namespace weft::handlers
