#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "weft/core/config.hpp"
#include "weft/replication/rpc.hpp"

namespace weft::workers {

/// Calls `instance` once, until `patience_ms` have passed, and says what to look at if it does not answer: so a wrong address
/// is found before the first request that needs it.
Task<std::optional<std::string>> instance_problem(replication::RpcClient& rpc, std::string instance, core::InstanceAddress address,
                                                  std::int64_t patience_ms);

}  // namespace weft::workers
