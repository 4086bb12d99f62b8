#pragma once

#include <optional>

#include "stores.hpp"
#include "weft/core/config.hpp"
#include "weft/handlers/federation/federation_queue.hpp"
#include "weft/proto/replication/commands.hpp"
#include "weft/replication/rpc.hpp"

namespace weft::workers {

/// Commands that ask the writer of a stream for something. Workers send them to the master; where it does not
/// write that stream it passes them on.
class WriterCommands {
public:
    /// `federation` is there in its writer.
    WriterCommands(storage::PusherStore& pushers, std::optional<handlers::FederationQueue>& federation,
                   replication::RpcClient& rpc, const core::Config& config);

    Task<void> remove_pusher(proto::replication::RemovePusher command);
    Task<void> federation_ack(proto::replication::FederationAck command);
    /// The answering end, for the streams that are written here.
    void serve(replication::RpcServer& server);

private:
    storage::PusherStore& pushers_;
    std::optional<handlers::FederationQueue>& federation_;
    replication::RpcClient& rpc_;
    const core::Config& config_;
};

}  // namespace weft::workers
