#pragma once

#include <optional>
#include <string>

#include "weft/replication/rpc.hpp"

/// Calls to the writer of presence (replication.md §6).
namespace weft::handlers::presence_rpc {

using Endpoint = replication::RpcEndpoint<boost::json::value, replication::RpcEmpty>;

/// `{"state": {"presence", "status_msg"?}, "ignore_status_msg"}`.
const Endpoint& set_state_endpoint();
/// `{}`.
const Endpoint& bump_active_endpoint();
/// `{}`.
const Endpoint& tell_again_endpoint();

/// Body of presence_set_state.
struct SetState {
    std::string presence;
    std::optional<std::string> status_msg;
    bool keep_status_msg = false;

    boost::json::value to_json() const;
    /// Throws MatrixError M_BAD_JSON.
    static SetState parse(const boost::json::value& body);
};

}  // namespace weft::handlers::presence_rpc
