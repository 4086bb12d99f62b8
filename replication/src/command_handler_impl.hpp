#pragma once

#include <algorithm>
#include <map>
#include <set>

#include "weft/core/async.hpp"
#include "weft/replication/command_handler.hpp"

#include "handler_metrics.hpp"
#include "hook_queues.hpp"
#include "position_waiters.hpp"

namespace weft::replication {

namespace pr = proto::replication;

/// The handler's insides: incoming.cpp holds what arrives, outgoing.cpp what is sent, catch_up.cpp what feeds
/// want done.
struct ReplicationCommandHandler::Impl {
    struct FeedState {
        FeedState(StreamKey of, const Stream* on, Feed machine, std::int64_t now)
            : key{std::move(of)}, stream{on}, feed{std::move(machine)}, metrics{key}, behind_since{now} {}
        StreamKey key;
        const Stream* stream;
        Feed feed;
        FeedMetrics metrics;
        std::int64_t behind_since;  // monotonic; meaningful while not connected
        bool connected = false;     // as the stream and the metrics were told last
        bool warned = false;
    };
    /// Rows of a token that is not complete yet: the relay passes on whole tokens only.
    struct HeldBatch {
        std::string lines;
        bool too_long = false;
    };
    /// What becomes of a connection's rows of one feed; looked up once.
    struct Route {
        const Stream* stream = nullptr;  // null: there is no such stream
        bool applies = false;
        FeedState* feed = nullptr;  // from the first row on that is applied
        RelayLog::FeedId log_feed = 0;
        std::optional<core::Counter> received;
        HeldBatch held;
        LinkId* speaker = nullptr;  // entry of `speakers`
        std::pair<const StreamKey, Route>* next = nullptr;  // what came after this one last: events of one kind take turns
    };
    struct LinkState {
        std::shared_ptr<Link> link;
        bool is_client = false;
        std::int64_t since_ms = 0;
        bool was_caught_up = false;
        std::map<std::string, std::int64_t> sync_sources;  // instance ID of its USER_SYNCs -> when last heard
        std::map<StreamKey, Route> routes;
        std::pair<const StreamKey, Route>* last_route = nullptr;
    };
    static constexpr std::size_t kHeldBytesMax = 1024 * 1024;
    static constexpr std::int64_t kUserSyncRefreshMs = 60'000;
    /// On a bus nobody sees another's connection end: who has not refreshed for so long is gone.
    static constexpr std::int64_t kUserSyncSilenceMs = 150'000;
    /// Several processes come back together; they are answered together.
    static constexpr std::int64_t kUserSyncGatherMs = 500;
    static constexpr std::int64_t kWarnBehindMs = 10'000;

    Impl(asio::any_io_executor executor, const core::Clock& on, Options with)
        : clock{on},
          options{std::move(with)},
          log{options.log},
          waiters{executor},
          caught_up_signal{executor},
          refresh_wanted{executor},
          tasks{executor},
          hook_queues{tasks} {}

    // incoming.cpp
    core::Result<void> on_command(LinkId id, pr::Command command, std::string_view line);
    core::Result<void> on_rdata(LinkId id, const pr::RdataView& rdata, std::string_view line);
    void warn_of_namesakes(LinkId id, const std::string& name) const;
    Route& route(LinkState& link, std::string_view stream, std::string_view instance);
    void on_position(LinkId id, LinkState& link, const pr::Position& command);
    void on_replicate(LinkState& link, const pr::Replicate& command);
    void on_user_sync(LinkState& link, pr::UserSync command);
    void relay_row(LinkId id, Route& to, const pr::RdataView& rdata, std::string_view line);
    void sync_source_lost(const std::string& source);
    Task<void> watch_sync_sources();
    void link_closed(LinkId id);

    // outgoing.cpp
    void link_opened(std::shared_ptr<Link> link, bool is_client);
    void publish(const std::string& stream, std::int64_t token, const Rows& rows);
    void announce_end(const StreamKey& key, std::int64_t token);
    void send(const pr::Command& command);
    void wake_links();
    /// Whether this process has relayed anything of the writer.
    bool has_spoken(const StreamKey& writer) const;
    std::int64_t announced_token(const Stream& stream, const std::string& instance) const;
    /// With `previous`: there are no rows since (Weft's dialect says so).
    std::string position_line(const StreamKey& key, std::int64_t token,
                              std::optional<std::int64_t> previous = std::nullopt) const;
    Task<void> refresh_user_syncs();
    /// A master of a real Synapse 1.15 ends the connection of a worker that announces rows. No worker of its has a
    /// stream to write, so one that has belongs to a master of ours, whatever the dialect.
    bool may_publish() const {
        return options.relays || options.on_bus || options.dialect == pr::Dialect::kWeft ||
               std::ranges::any_of(streams, [this](const auto& stream) {
                   return stream->name() != "caches" && written_here(*stream);
               });
    }

    // catch_up.cpp
    FeedState& feed_of(const Stream& stream, const std::string& instance);
    void perform(FeedState& state, FeedActions actions);
    template <class Function>
    void act(FeedState& state, std::int64_t token, Function function);
    Task<void> fetch(FeedState& state, FetchRows what);
    Task<void> retry(FeedState& state, RetryFetch what);
    void set_connected(FeedState& state, bool connected);
    void moved(const FeedState& state);
    bool caught_up(LinkId id) const;
    bool all_caught_up() const;
    bool heard_all_writers() const;
    /// Asks again whenever a feed has caught up.
    Task<bool> wait_until(bool (Impl::*condition)() const, core::Milliseconds timeout);

    const Stream* find(const std::string& name) const {
        const auto found = by_name.find(name);
        return found == by_name.end() ? nullptr : found->second;
    }
    bool subscribed(const std::string& stream) const {
        return subscriptions.empty() || subscriptions.contains(stream);
    }
    bool written_here(const Stream& stream) const {
        return stream.writers().empty() || stream.has_writer(options.instance_name);
    }

    const core::Clock& clock;
    Options options;
    CommandHooks hooks;
    std::set<std::string> subscriptions;
    std::vector<std::unique_ptr<Stream>> streams;
    std::map<std::string, const Stream*> by_name;
    std::map<StreamKey, FeedState> feeds;
    RelayLog log;
    std::map<LinkId, LinkState> links;
    /// The newest connection that gave a POSITION of a feed. What an older one of the same writer still holds
    /// arrives late, and has been said again by the newer.
    std::map<StreamKey, LinkId> speakers;
    std::map<std::string, std::int64_t> published;  // stream -> token that this process wrote last
    int bursts = 0;
    std::int64_t burst_began_cpu_ns = 0;
    bool wake_after_burst = false;
    LinkId next_link_id = 1;
    bool user_syncs_sent = false;
    bool refresh_running = false;
    bool watch_running = false;
    HandlerMetrics metrics;
    PositionWaiters waiters;
    core::Signal caught_up_signal;
    core::Signal refresh_wanted;
    core::BackgroundTasks tasks;
    HookQueues hook_queues;
};

}  // namespace weft::replication
