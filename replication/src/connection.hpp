#pragma once

#include <memory>
#include <set>
#include <string>

#include "weft/core/async.hpp"
#include "weft/core/background.hpp"
#include "weft/replication/command_handler.hpp"
#include "weft/replication/session.hpp"
#include "weft/replication/tcp_server.hpp"

#include "connect.hpp"
#include "link_metrics.hpp"

namespace weft::replication {

/// One replication connection over a stream socket, whichever end made it: carries out what its Session
/// decides, hands commands to the handler, and sends its own lines and the shared log in gathered writes.
/// Logic thread only.
class Connection final : public Link, public std::enable_shared_from_this<Connection> {
public:
    struct Options {
        Session::Options session;
        LinkLimits limits;
        std::string address;  // of the peer, for logs
    };

    /// `tasks` runs the connection's coroutines and outlives it.
    Connection(StreamSocket socket, ReplicationCommandHandler& handler, core::BackgroundTasks& tasks,
               Options options);

    /// Speaks until the connection has ended, whoever ended it.
    Task<void> run();
    /// Sends what is queued (for kShutdown also what is left of the shared log), then closes; after
    /// `linger_ms` (by default that of the limits) whatever the peer does.
    void close(CloseReason reason, std::string explanation, std::optional<std::int64_t> linger_ms = {});

    bool was_up() const { return was_up_; }
    bool server_confirmed() const { return session_.server_confirmed(); }
    CloseReason close_reason() const { return close_reason_; }
    const std::string& close_explanation() const { return close_explanation_; }

    LinkId id() const override { return id_; }
    std::string peer_name() const override;
    void send_line(std::string line) override;
    void wake() override;
    void subscribe(std::set<std::string> streams) override { cursor_.subscribe(std::move(streams)); }
    void on_caught_up() override { was_up_ = true; }

private:
    Task<void> read_loop();
    Task<void> write_loop();
    Task<void> keep_alive();
    /// Handles the complete lines; how many bytes they were.
    std::size_t on_bytes(std::string_view bytes);
    /// The peer's fault, if it is one: says so and closes.
    void refuse(const core::Result<void>& result, std::string_view line);
    void perform(SessionActions actions, std::string_view line);
    void resync_after_falling_off();
    Task<boost::system::error_code> send(std::string_view own_lines, const RelayCursor::Gathered& gathered);
    Task<boost::system::error_code> send_file(int file, off_t offset, std::size_t size);
    std::int64_t now() const { return handler_.clock().monotonic_ms(); }

    StreamSocket socket_;
    ReplicationCommandHandler& handler_;
    core::BackgroundTasks& tasks_;
    Options options_;
    LinkId id_;
    Session session_;
    RelayCursor cursor_;
    LinkMetrics metrics_;
    std::string private_lines_;  // for this connection alone, not sent yet
    core::Signal wake_writer_;
    core::Signal wake_keeper_;
    core::Signal writer_ended_;
    bool writer_sleeps_ = false;
    bool writer_running_ = false;
    bool overflowed_ = false;
    bool closing_ = false;
    bool was_up_ = false;
    CloseReason close_reason_ = CloseReason::kPeerClosed;
    std::string close_explanation_;
    std::int64_t linger_until_ = 0;
};

}  // namespace weft::replication
