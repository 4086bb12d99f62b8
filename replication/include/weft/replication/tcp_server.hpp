#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "weft/core/config.hpp"
#include "weft/core/tls.hpp"
#include "weft/replication/command_handler.hpp"

namespace weft::replication {

/// Limits of a connection; the same at both ends.
struct LinkLimits {
    std::int64_t ping_interval_ms = 5'000;
    std::int64_t ping_timeout_ms = 25'000;
    /// Lines queued for one connection alone; beyond it is closed as unable to keep up.
    std::size_t private_bytes_max = 8 * 1024 * 1024;
    /// One gathered write.
    std::size_t write_bytes_max = 256 * 1024;
    /// How long after our last line the peer may take to close.
    std::int64_t linger_ms = 1'000;
    /// How long a client may take to prove who it is.
    std::int64_t handshake_ms = 10'000;
};

/// The master's replication listener (`type: replication`), on TCP or a unix socket.
class TcpServer {
public:
    TcpServer(asio::any_io_executor executor, ReplicationCommandHandler& handler, std::string server_name,
              core::ListenerConfig listener, LinkLimits limits = {});
    ~TcpServer();
    TcpServer(const TcpServer&) = delete;
    TcpServer& operator=(const TcpServer&) = delete;

    /// TCP connections have to be secure, and show a certificate. Before start().
    void use_tls(core::TlsContext context);
    /// Binds and accepts. Throws std::system_error with the address in its text.
    void start();
    /// The port that was bound (useful with port 0).
    std::uint16_t port() const;
    std::size_t connections() const;
    /// Stops accepting, sends what is queued for at most `deadline_ms`, closes.
    Task<void> stop(std::int64_t deadline_ms);

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace weft::replication
