#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "weft/core/config.hpp"
#include "weft/core/stream_socket.hpp"
#include "weft/core/task.hpp"

namespace weft::replication {

using core::StreamSocket;

/// A connected socket, or why there is none.
struct ConnectAttempt {
    std::optional<StreamSocket> socket;
    std::string error;
};

/// Connects to a host and port or a unix socket. With `tls`, TCP is made secure: the other end's certificate
/// must be for `instance` or the host. Never throws for what the network does.
Task<ConnectAttempt> connect(asio::any_io_executor executor, core::InstanceAddress address,
                             std::int64_t timeout_ms, core::TlsContext tls = nullptr,
                             std::string instance = {});

}  // namespace weft::replication
