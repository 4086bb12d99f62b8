#pragma once

#include <string>

#include "weft/core/task.hpp"
#include "weft/proto/ids.hpp"
#include "weft/replication/rpc.hpp"
#include "weft/storage/room_directory_store.hpp"

namespace weft::handlers {

/// Puts rooms into the published directory and takes them out. One process writes that stream (public_rooms);
/// elsewhere this is a call to it.
class RoomVisibility {
public:
    virtual ~RoomVisibility() = default;
    virtual Task<void> set_public(proto::RoomId room_id, bool visible) = 0;
};

/// In the process that writes public_rooms.
class LocalRoomVisibility final : public RoomVisibility {
public:
    explicit LocalRoomVisibility(storage::RoomDirectoryStore& store) : store_{store} {}
    Task<void> set_public(proto::RoomId room_id, bool visible) override;

private:
    storage::RoomDirectoryStore& store_;
};

/// In all others.
class RemoteRoomVisibility final : public RoomVisibility {
public:
    /// `writer` is the instance that writes public_rooms.
    RemoteRoomVisibility(replication::RpcClient& rpc, std::string writer)
        : rpc_{rpc}, writer_{std::move(writer)} {}
    Task<void> set_public(proto::RoomId room_id, bool visible) override;

private:
    replication::RpcClient& rpc_;
    std::string writer_;
};

/// `weft_room_visibility/{room_id}`: the answering end.
void serve_room_visibility(replication::RpcServer& server, LocalRoomVisibility& visibility);

}  // namespace weft::handlers
