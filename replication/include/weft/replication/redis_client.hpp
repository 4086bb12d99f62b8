#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "weft/core/config.hpp"
#include "weft/replication/backoff.hpp"
#include "weft/replication/command_handler.hpp"
#include "weft/replication/tcp_server.hpp"
#include "weft/replication/uplink.hpp"

namespace weft::replication {

/// Replication over Redis pub/sub: every process of the cluster, the master too, is a client of one channel
/// and hears all that is said there. Two connections, one that subscribes and one that publishes, live and
/// die together; they are kept up for ever with jittered exponential backoff. Logic thread only.
class RedisClient final : public Uplink {
public:
    struct Options {
        core::RedisConfig redis;
        /// The server's name.
        std::string channel;
        LinkLimits limits;
        Backoff::Options backoff;
        /// For connecting, logging in and subscribing together.
        std::int64_t connect_timeout_ms = 10'000;
    };

    /// The handler's option `on_bus` must be set.
    RedisClient(asio::any_io_executor executor, ReplicationCommandHandler& handler, Options options);
    ~RedisClient() override;
    RedisClient(const RedisClient&) = delete;
    RedisClient& operator=(const RedisClient&) = delete;

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
