#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "weft/core/background.hpp"
#include "weft/core/config.hpp"
#include "weft/core/tls.hpp"
#include "weft/http/router.hpp"

namespace weft::http {

/// Limits of a listener; defaults suit a server behind a proxy.
struct ServerLimits {
    std::size_t header_bytes_max = 32 * 1024;
    std::size_t body_bytes_max = 1024 * 1024;
    std::int64_t idle_timeout_ms = 120'000;  // keep-alive connection without a request
    std::int64_t header_timeout_ms = 30'000;
    std::int64_t body_timeout_ms = 60'000;
    std::size_t connections_max = 10'000;
};

/// HTTP/1.1 on TCP or unix sockets: keep-alive, chunked bodies, gzip/deflate where asked, CORS,
/// X-Forwarded-For from trusted proxies. Requests of one connection are answered in order; a client that goes
/// away cancels its request.
class Server {
public:
    Server(asio::any_io_executor executor, Router& router, const core::ListenerConfig& listener,
           std::vector<std::string> trusted_proxies, ServerLimits limits = {});
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Connections over TCP have to be TLS, with a certificate. Before start().
    void use_tls(core::TlsContext context);
    /// Binds and accepts. Throws std::system_error with the address in its text.
    void start();
    /// The port that was bound (useful with port 0).
    std::uint16_t port() const;
    /// Stops accepting and idle connections, lets requests finish for at most `deadline_ms`, cancels the
    /// rest.
    Task<void> stop(std::int64_t deadline_ms);
    std::size_t requests_in_flight() const;

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace weft::http
