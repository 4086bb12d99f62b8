#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>

#include "weft/core/config.hpp"
#include "weft/core/task.hpp"

namespace weft::replication {

using StreamSocket = asio::generic::stream_protocol::socket;

/// A connected socket, or why there is none.
struct ConnectAttempt {
    std::optional<StreamSocket> socket;
    std::string error;
};

/// Connects to a host and port or a unix socket. Never throws for what the network does.
Task<ConnectAttempt> connect(asio::any_io_executor executor, core::InstanceAddress address,
                             std::int64_t timeout_ms);

/// The address for logs: HOST:PORT or the path.
std::string to_string(const core::InstanceAddress& address);

}  // namespace weft::replication
