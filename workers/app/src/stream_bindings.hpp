#pragma once

#include "events_applier.hpp"
#include "stores.hpp"
#include "streams.hpp"
#include "weft/handlers/ephemeral/typing.hpp"
#include "weft/replication/command_handler.hpp"
#include "weft/replication/rpc.hpp"

namespace weft::workers {

/// Joins stores and replication, which know nothing of each other: gives the command handler each stream with its rows
/// between two tokens, and each stream its way out to the other processes.
void bind_streams(replication::ReplicationCommandHandler& replication, Streams& streams, Stores& stores, EventsApplier& events_applier,
                  handlers::Typing& typing, replication::RpcClient& rpc, const core::Config& config);

}  // namespace weft::workers
