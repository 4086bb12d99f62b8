#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "weft/core/config.hpp"
#include "weft/core/tls.hpp"
#include "weft/replication/backoff.hpp"
#include "weft/replication/command_handler.hpp"
#include "weft/replication/tcp_server.hpp"
#include "weft/replication/uplink.hpp"

namespace weft::replication {

/// A worker's connection to the master: kept up for ever, with jittered exponential backoff that is reset
/// only once every subscribed stream has caught up.
class TcpClient final : public Uplink {
public:
    struct Options {
        std::string server_name;
        core::InstanceAddress address;
        /// For TCP: the connection is secure, or there is none.
        core::TlsContext tls;
        LinkLimits limits;
        Backoff::Options backoff;
        std::int64_t connect_timeout_ms = 30'000;
    };

    TcpClient(asio::any_io_executor executor, ReplicationCommandHandler& handler, Options options);
    ~TcpClient() override;
    TcpClient(const TcpClient&) = delete;
    TcpClient& operator=(const TcpClient&) = delete;

    void start() override;
    ClientState state() const override;
    const std::string& last_error() const override;
    std::uint64_t connections_made() const override;
    Task<void> stop(std::int64_t deadline_ms) override;

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace weft::replication
