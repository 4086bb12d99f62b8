#pragma once

#include <functional>
#include <string>

#include "weft/replication/command_handler.hpp"
#include "weft/replication/rpc.hpp"

/// The RPC endpoints that replication itself needs.
namespace weft::replication {

/// `get_repl_stream_updates/{stream}/{txn_id}?from_token=&upto_token=`: rows of a stream that the answering
/// process writes, or can read from the database.
extern const RpcRoute kStreamUpdatesRoute;

/// Serves it for the streams of `handler`; 400 for an unknown stream.
void serve_stream_updates(RpcServer& server, ReplicationCommandHandler& handler);

/// The `updates` of a stream whose rows live in the memory of its writer: asks the instance that is asked
/// for.
std::function<Task<Updates>(std::string instance, std::int64_t from, std::int64_t upto, std::size_t limit)>
updates_by_rpc(RpcClient& client, std::string stream);

/// `weft_forward/{txn_id}`: a client's request runs at another process.
extern const RpcRoute kForwardRoute;

/// Sends `request` as it is, its access token included, to `instance` and returns the answer as it is. An
/// answer is an answer whatever its status; only if none comes is RpcError thrown. A retry never runs the
/// request twice. As http::Router's forwarder: `[&](http::Request r, const http::Endpoint&) { return
/// forward(client, "master", std::move(r)); }`.
Task<http::Response> forward(RpcClient& client, std::string instance, http::Request request);

/// Runs forwarded requests on `router`, which authenticates them as if they had come from the client.
void serve_forward(RpcServer& server, http::Router& router);

}  // namespace weft::replication
