#pragma once

#include "stores.hpp"
#include "weft/core/config.hpp"
#include "weft/handlers/user_data/receipts.hpp"
#include "weft/replication/rpc.hpp"

namespace weft::workers {

/// Writes that happen beside others and belong to a stream which another process writes: a login is also news
/// of the user's devices, /read_markers is account data and receipts. Requests whose whole purpose is one
/// stream are forwarded as they are (http::Endpoint::writes).
class RemoteWrites {
public:
    RemoteWrites(Stores& stores, handlers::Receipts& receipts, replication::RpcClient& rpc,
                 const core::Config& config);

    /// The asking end, for the streams that are not written here.
    void connect();
    /// The answering end, for those that are.
    void serve(replication::RpcServer& server);

private:
    void connect_receipts();

    Stores& stores_;
    handlers::Receipts& receipts_;
    replication::RpcClient& rpc_;
    const core::Config& config_;
};

}  // namespace weft::workers
