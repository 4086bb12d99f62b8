#include "instance_probe.hpp"

#include "weft/replication/rpc_endpoints.hpp"

namespace weft::workers {
namespace {

/// Every process may be asked for missed rows of this stream; none is missed.
constexpr const char* kStream = "caches";

}  // namespace

Task<std::optional<std::string>> instance_problem(replication::RpcClient& rpc, std::string instance, core::InstanceAddress address,
                                                  std::int64_t patience_ms) {
    replication::RpcArgs stream{kStream};
    replication::json::value range = replication::json::object{{"from_token", 0}, {"upto_token", 0}};
    replication::RpcCallOptions options;
    options.timeout_ms = patience_ms;
    try {
        co_await rpc.call_json(replication::kStreamUpdatesRoute, instance, std::move(stream), std::move(range), std::move(options));
    } catch (const replication::RpcError& error) {
        co_return fmt::format(
            "{} does not answer calls at {} ({}): does it run, and is that in instance_map the address of its HTTP listener with the "
            "resource replication, not the one of type replication?",
            instance, address.text(), error.what());
    } catch (const core::MatrixError&) {
        // Refused by the process itself: it is there.
    }
    co_return std::nullopt;
}

}  // namespace weft::workers
