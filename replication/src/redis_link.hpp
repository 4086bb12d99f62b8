#pragma once

#include <memory>
#include <set>
#include <string>

#include "weft/core/async.hpp"
#include "weft/core/background.hpp"
#include "weft/replication/command_handler.hpp"
#include "weft/replication/session.hpp"
#include "weft/replication/tcp_server.hpp"

#include "channel.hpp"
#include "link_metrics.hpp"
#include "redis_connection.hpp"

namespace weft::replication {

/// The process's place on the bus while both connections to Redis stand: hands what is said on the channel to
/// the handler, and publishes its own lines and the log's, one message a line, many messages a write. Either
/// connection's end is the end of both, so that what may have been lost is announced anew. Logic thread only.
class RedisLink final : public Link, public std::enable_shared_from_this<RedisLink> {
public:
    struct Options {
        std::string channel;
        std::string address;  // of Redis, for logs
        LinkLimits limits;
    };

    /// `tasks` runs the link's coroutines and outlives it.
    RedisLink(RedisPair connections, ReplicationCommandHandler& handler, core::BackgroundTasks& tasks,
              Options options);

    /// Speaks until the link has ended.
    Task<void> run();
    /// For kShutdown sends what is queued, for at most `linger_ms`; else ends at once.
    void close(CloseReason reason, std::string explanation, std::int64_t linger_ms = 0);

    /// Everything had caught up before the end.
    bool was_up() const { return was_up_; }
    const std::string& close_explanation() const { return close_explanation_; }
    CloseReason close_reason() const { return close_reason_; }

    LinkId id() const override { return id_; }
    std::string peer_name() const override { return "redis at " + options_.address; }
    void send_line(std::string line) override;
    void wake() override;
    void on_caught_up() override { was_up_ = true; }
    /// Others need what this process does not; the channel is theirs too.
    void subscribe(std::set<std::string>) override {}

private:
    Task<void> read_messages();
    void read_packet();
    Task<void> read_answers();
    Task<void> write_loop();
    Task<void> keep_alive();
    void on_message(std::string_view line);
    void refuse(const ChannelSession::Refuse& refusal);
    void resync_after_falling_off();
    std::int64_t now() const { return handler_.clock().monotonic_ms(); }

    std::unique_ptr<RedisConnection> subscriber_;
    std::unique_ptr<RedisConnection> publisher_;
    ReplicationCommandHandler& handler_;
    core::BackgroundTasks& tasks_;
    Options options_;
    LinkId id_;
    RelayCursor cursor_;
    ChannelSession channel_;
    LinkMetrics metrics_{"redis"};
    std::string private_lines_;  // of this process alone, not sent yet
    core::Signal wake_writer_;
    core::Signal wake_keeper_;
    core::Signal drained_;
    std::int64_t subscriber_heard_;
    std::int64_t publisher_heard_;
    bool writer_sleeps_ = false;
    bool ping_due_ = false;
    bool answers_ended_ = false;
    bool overflowed_ = false;
    bool closing_ = false;
    bool was_up_ = false;
    CloseReason close_reason_ = CloseReason::kPeerClosed;
    std::string close_explanation_;
    std::int64_t linger_until_ = 0;
};

}  // namespace weft::replication
