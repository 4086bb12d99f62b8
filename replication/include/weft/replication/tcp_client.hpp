#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "weft/core/config.hpp"
#include "weft/replication/backoff.hpp"
#include "weft/replication/command_handler.hpp"
#include "weft/replication/tcp_server.hpp"

namespace weft::replication {

enum class ClientState { kConnecting, kCatchingUp, kUp, kStopped };
std::string_view to_string(ClientState state);

/// A worker's connection to the master: kept up for ever, with jittered exponential backoff that is reset
/// only once every subscribed stream has caught up.
class TcpClient {
public:
    struct Options {
        std::string server_name;
        core::InstanceAddress address;
        LinkLimits limits;
        Backoff::Options backoff;
        std::int64_t connect_timeout_ms = 30'000;
    };

    TcpClient(asio::any_io_executor executor, ReplicationCommandHandler& handler, Options options);
    ~TcpClient();
    TcpClient(const TcpClient&) = delete;
    TcpClient& operator=(const TcpClient&) = delete;

    void start();
    ClientState state() const;
    /// Why there is no connection; empty while there is.
    const std::string& last_error() const;
    std::uint64_t connections_made() const;
    /// Says CLEAR_USER_SYNCS if anybody was said to sync here, sends what is queued for at most
    /// `deadline_ms`, closes.
    Task<void> stop(std::int64_t deadline_ms);

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace weft::replication
