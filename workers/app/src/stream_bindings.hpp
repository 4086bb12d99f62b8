#pragma once

#include "events_applier.hpp"
#include "stores.hpp"
#include "streams.hpp"
#include "weft/handlers/ephemeral/typing.hpp"
#include "weft/handlers/federation/federation_queue.hpp"
#include "weft/replication/command_handler.hpp"
#include "weft/replication/rpc.hpp"

namespace weft::workers {

/// Joins stores and replication, which know nothing of each other: gives the command handler each stream with its rows
/// between two tokens, and each stream its way out to the other processes. `federation` is there in the writer of that
/// stream, null elsewhere.
void bind_streams(replication::ReplicationCommandHandler& replication, Streams& streams, Stores& stores, EventsApplier& events_applier,
                  handlers::Typing& typing, const handlers::FederationQueue* federation, replication::RpcClient& rpc,
                  const core::Config& config);

}  // namespace weft::workers
