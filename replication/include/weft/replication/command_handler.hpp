#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weft/core/background.hpp"
#include "weft/core/clock.hpp"
#include "weft/core/task.hpp"
#include "weft/proto/replication/commands.hpp"
#include "weft/replication/link.hpp"
#include "weft/replication/relay_log.hpp"
#include "weft/replication/stream.hpp"

namespace weft::replication {

/// What commands mean outside replication; the composing process sets those that it has a use for. Each runs
/// as a named background process, calls of one hook in the order of the commands; an exception is logged.
struct CommandHooks {
    /// `first_of_connection`: whatever was known of this instance ID before its connection is replaced.
    std::function<Task<void>(proto::replication::UserSync command, bool first_of_connection)> user_sync;
    std::function<Task<void>(std::string instance_id)> clear_user_syncs;
    /// The connection whose USER_SYNCs carried this instance ID is gone, without CLEAR_USER_SYNCS.
    std::function<Task<void>(std::string instance_id)> user_sync_source_lost;
    std::function<Task<void>(proto::replication::UserIp command)> user_ip;
    std::function<Task<void>(proto::replication::RemovePusher command)> remove_pusher;
    std::function<Task<void>(proto::replication::FederationAck command)> federation_ack;
    std::function<Task<void>(std::string server_name)> remote_server_up;
    /// Worker: who syncs here now; announced whenever a connection stands and once a minute.
    std::function<std::vector<std::string>()> currently_syncing;
};

/// A (stream, instance) as this process sees it.
struct FeedStatus {
    StreamKey key;
    bool written_here = false;
    std::int64_t position = 0;
    std::int64_t latest = 0;  // that we were told of: latest - position is the lag in tokens
    bool connected = false;
    std::int64_t behind_ms = 0;  // how long it has not been connected; 0 if it is
    std::size_t queued_rows = 0;
};

/// One line per connection of the process.
struct LinkStatus {
    LinkId id = 0;
    std::string peer;
    std::int64_t since_ms = 0;  // wall clock
};

/// What every command means, for the server and the client of a connection alike: the transports parse lines,
/// hand them in and carry what comes out. Holds the streams, their catch-up, the log that connections send
/// from, and the waiters for positions. Logic thread only.
class ReplicationCommandHandler {
public:
    struct Options {
        std::string instance_name;
        /// Random for each start; names this process in USER_SYNC.
        std::string instance_id;
        /// The master relays rows of one worker to all others.
        bool relays = false;
        /// All processes share one channel (Redis): nobody relays, everybody answers for itself, and what one
        /// says all hear, itself included.
        bool on_bus = false;
        proto::replication::Dialect dialect = proto::replication::Dialect::kWeft;
        /// Streams this process applies; empty means all that were added.
        std::vector<std::string> subscriptions;
        RelayLog::Options log;
        Feed::Options feed;  // in_memory and tokens_ascend follow from stream and dialect
    };

    ReplicationCommandHandler(asio::any_io_executor executor, const core::Clock& clock, Options options);
    ~ReplicationCommandHandler();
    ReplicationCommandHandler(const ReplicationCommandHandler&) = delete;
    ReplicationCommandHandler& operator=(const ReplicationCommandHandler&) = delete;

    /// Before the first connection.
    void add_stream(Stream stream);
    void set_hooks(CommandHooks hooks);
    const Stream* find_stream(const std::string& name) const;
    const std::vector<std::unique_ptr<Stream>>& streams() const;
    const Options& options() const;

    // What the process's own code asks for.

    /// A stream this process writes has rows for `token` (all lower tokens are announced already). Without
    /// rows, or if a row is too long for a line, the position alone goes out.
    void publish(const std::string& stream, std::int64_t token, const Rows& rows);
    /// `key.instance` has ended at `token` and will not come back to say so: tells everybody for it, and catches up with it
    /// here.
    void announce_end(const StreamKey& key, std::int64_t token);
    /// A position moved by other means than this handler's (waiters look again).
    void position_advanced(const StreamKey& key);
    /// True once everything `key.instance` wrote up to `token` is visible here; false if `timeout` passes
    /// first. Throws std::invalid_argument for an unknown stream.
    Task<bool> wait_for_stream_position(StreamKey key, std::int64_t token, core::Milliseconds timeout);
    /// Sends a command to all connections; without any it is dropped. One that does not fit a line is logged
    /// and dropped.
    void send(const proto::replication::Command& command);
    void send_user_sync(const std::string& user_id, bool is_syncing, std::int64_t last_sync_ms);
    void send_clear_user_syncs();
    /// Another homeserver can be reached again: tells everybody, this process included.
    void announce_remote_server_up(const std::string& server_name);

    std::vector<FeedStatus> feed_status() const;
    /// Brings metrics up to date that change too often, or while nothing happens: where feeds are, and how long they have been
    /// behind.
    void sample_metrics() const;
    std::vector<LinkStatus> link_status() const;
    /// Every subscribed stream has caught up with all its configured writers by way of `link`.
    bool caught_up(LinkId link) const;
    /// The same, by whatever connection.
    bool all_caught_up() const;
    /// Sleeps until all_caught_up(); false if `timeout` passes first.
    Task<bool> wait_until_caught_up(core::Milliseconds timeout);

    /// Sleeps until each configured writer of what this process subscribes to has reached what the process reports of it;
    /// false if `timeout` passes first. What the database has says too much until then: a smaller token than the newest may
    /// still be open.
    Task<bool> wait_for_writers(core::Milliseconds timeout);

    /// Ends waits and catch-ups. Transports are stopped before.
    Task<void> stop();

    // What transports call.

    LinkId new_link_id();
    /// The connection stands; client connections announce our positions and ask for the peer's.
    void link_opened(std::shared_ptr<Link> link, bool is_client);
    void link_closed(LinkId link);
    /// A command, and the line it was read from (a relay passes it on unchanged). An error is the peer's
    /// fault: its text goes into ERROR and the connection is closed.
    core::Result<void> on_command(LinkId link, proto::replication::Command command, std::string_view line);
    /// The same for a row, the one command of which there are many; `line` with its line feed.
    core::Result<void> on_rdata(LinkId link, const proto::replication::RdataView& rdata,
                                std::string_view line);
    /// While one lives, commands of the same packet are handed in: the connections that have to send because
    /// of them are woken once, at its end.
    class Burst {
    public:
        explicit Burst(ReplicationCommandHandler& handler);
        ~Burst();
        Burst(const Burst&) = delete;
        Burst& operator=(const Burst&) = delete;

    private:
        ReplicationCommandHandler& handler_;
    };
    RelayLog& log();
    /// `POSITION …` for what the log holds of a feed; a connection that fell off sends it for each feed it
    /// missed.
    std::string position_line(RelayLog::FeedId feed) const;
    proto::replication::Dialect dialect() const;
    const core::Clock& clock() const;

    /// Defined in src/, in several files.
    struct Impl;

private:
    std::unique_ptr<Impl> impl_;
};

}  // namespace weft::replication
