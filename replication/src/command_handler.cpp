#include "weft/replication/command_handler.hpp"

#include <algorithm>
#include <ctime>
#include <stdexcept>

#include "command_handler_impl.hpp"

namespace weft::replication {

namespace {

/// One packet may hold a thousand rows: cheap enough once a packet, not once a row.
std::int64_t thread_cpu_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

ReplicationCommandHandler::ReplicationCommandHandler(asio::any_io_executor executor, const core::Clock& clock,
                                                     Options options)
    : impl_{std::make_unique<Impl>(std::move(executor), clock, std::move(options))} {
    impl_->subscriptions.insert(impl_->options.subscriptions.begin(), impl_->options.subscriptions.end());
}

ReplicationCommandHandler::~ReplicationCommandHandler() = default;

void ReplicationCommandHandler::add_stream(Stream stream) {
    auto owned = std::make_unique<Stream>(std::move(stream));
    if (!impl_->by_name.emplace(owned->name(), owned.get()).second) {
        throw std::invalid_argument{"stream " + owned->name() + " was added twice"};
    }
    impl_->streams.push_back(std::move(owned));
    // Positions are announced in the order of the table, however the streams were added.
    std::stable_sort(impl_->streams.begin(), impl_->streams.end(), [](const auto& a, const auto& b) {
        return pr::stream_order(a->name()) < pr::stream_order(b->name());
    });
}

void ReplicationCommandHandler::set_hooks(CommandHooks hooks) {
    impl_->hooks = std::move(hooks);
}
const Stream* ReplicationCommandHandler::find_stream(const std::string& name) const {
    return impl_->find(name);
}
const std::vector<std::unique_ptr<Stream>>& ReplicationCommandHandler::streams() const {
    return impl_->streams;
}
const ReplicationCommandHandler::Options& ReplicationCommandHandler::options() const {
    return impl_->options;
}

void ReplicationCommandHandler::publish(const std::string& stream, std::int64_t token, const Rows& rows) {
    impl_->publish(stream, token, rows);
}

void ReplicationCommandHandler::announce_end(const StreamKey& key, std::int64_t token) {
    impl_->announce_end(key, token);
}

void ReplicationCommandHandler::position_advanced(const StreamKey& key) {
    if (!impl_->waiters.anybody(key)) return;
    if (const auto* stream = impl_->find(key.stream)) {
        impl_->waiters.moved(key, stream->current_token(key.instance));
    }
}

Task<bool> ReplicationCommandHandler::wait_for_stream_position(StreamKey key, std::int64_t token,
                                                               core::Milliseconds timeout) {
    const auto* stream = impl_->find(key.stream);
    if (stream == nullptr) throw std::invalid_argument{"there is no stream " + key.stream};
    std::function<bool()> reached = [stream, instance = key.instance, token] {
        return stream->current_token(instance) >= token;
    };
    const BlockMetrics::Timer timer{impl_->metrics.wait_for_stream_position};
    co_return co_await impl_->waiters.wait(std::move(key), token, timeout, std::move(reached));
}

void ReplicationCommandHandler::send(const pr::Command& command) {
    impl_->send(command);
}

void ReplicationCommandHandler::send_user_sync(const std::string& user_id, bool is_syncing,
                                               std::int64_t last_sync_ms) {
    impl_->user_syncs_sent = true;
    impl_->send(pr::UserSync{impl_->options.instance_id, user_id, is_syncing, last_sync_ms});
}

void ReplicationCommandHandler::send_clear_user_syncs() {
    if (!impl_->user_syncs_sent) return;
    impl_->user_syncs_sent = false;
    impl_->send(pr::ClearUserSyncs{impl_->options.instance_id});
}

void ReplicationCommandHandler::announce_remote_server_up(const std::string& server_name) {
    impl_->send(pr::RemoteServerUp{server_name});
    if (!impl_->hooks.remote_server_up) return;
    impl_->hook_queues.add("replication_REMOTE_SERVER_UP",
                           [this, server_name] { return impl_->hooks.remote_server_up(server_name); });
}

std::vector<FeedStatus> ReplicationCommandHandler::feed_status() const {
    std::vector<FeedStatus> out;
    const auto now = impl_->clock.monotonic_ms();
    const auto& self = impl_->options.instance_name;
    for (const auto& stream : impl_->streams) {
        if (impl_->written_here(*stream)) {
            const auto token = stream->current_token(self);
            out.push_back({{stream->name(), self}, true, token, token, true, 0, 0});
        }
        for (const auto& [key, state] : impl_->feeds) {
            if (key.stream != stream->name()) continue;
            const bool connected = state.feed.connected();
            out.push_back({key, false, state.feed.position(), state.feed.latest(), connected,
                           connected ? 0 : now - state.behind_since, state.feed.queued_rows()});
        }
    }
    return out;
}

void ReplicationCommandHandler::sample_metrics() const {
    const auto now = impl_->clock.monotonic_ms();
    for (auto& [key, state] : impl_->feeds) {
        const auto behind_ms = state.feed.connected() ? 0 : now - state.behind_since;
        state.metrics.lag_seconds.set(static_cast<double>(behind_ms) / 1000.0);
        state.metrics.position.set(static_cast<double>(state.feed.position()));
        state.metrics.lag.set(static_cast<double>(state.feed.latest() - state.feed.position()));
    }
}

std::vector<LinkStatus> ReplicationCommandHandler::link_status() const {
    std::vector<LinkStatus> out;
    for (const auto& [id, state] : impl_->links) out.push_back({id, state.link->peer_name(), state.since_ms});
    return out;
}

bool ReplicationCommandHandler::caught_up(LinkId link) const {
    return impl_->caught_up(link);
}
bool ReplicationCommandHandler::all_caught_up() const {
    return impl_->all_caught_up();
}

Task<bool> ReplicationCommandHandler::wait_until_caught_up(core::Milliseconds timeout) {
    return impl_->wait_until(&Impl::all_caught_up, timeout);
}

Task<bool> ReplicationCommandHandler::wait_for_writers(core::Milliseconds timeout) {
    return impl_->wait_until(&Impl::heard_all_writers, timeout);
}

Task<void> ReplicationCommandHandler::stop() {
    co_await impl_->tasks.stop();
}

LinkId ReplicationCommandHandler::new_link_id() {
    return impl_->next_link_id++;
}
void ReplicationCommandHandler::link_opened(std::shared_ptr<Link> link, bool is_client) {
    impl_->link_opened(std::move(link), is_client);
}
void ReplicationCommandHandler::link_closed(LinkId link) {
    impl_->link_closed(link);
}
core::Result<void> ReplicationCommandHandler::on_command(LinkId link, pr::Command command,
                                                         std::string_view line) {
    return impl_->on_command(link, std::move(command), line);
}
core::Result<void> ReplicationCommandHandler::on_rdata(LinkId link, const pr::RdataView& rdata,
                                                       std::string_view line) {
    return impl_->on_rdata(link, rdata, line);
}
ReplicationCommandHandler::Burst::Burst(ReplicationCommandHandler& handler) : handler_{handler} {
    auto& impl = *handler_.impl_;
    if (impl.bursts++ == 0) impl.burst_began_cpu_ns = thread_cpu_ns();
}
ReplicationCommandHandler::Burst::~Burst() {
    auto& impl = *handler_.impl_;
    if (impl.bursts == 1) {
        impl.metrics.packets.increment();
        impl.metrics.packets_cpu.increment(static_cast<double>(thread_cpu_ns() - impl.burst_began_cpu_ns) /
                                           1e9);
    }
    if (--impl.bursts == 0 && std::exchange(impl.wake_after_burst, false)) impl.wake_links();
}
RelayLog& ReplicationCommandHandler::log() {
    return impl_->log;
}

std::string ReplicationCommandHandler::position_line(RelayLog::FeedId feed) const {
    const auto& info = impl_->log.info(feed);
    const auto* stream = impl_->find(info.key.stream);
    const auto token = stream == nullptr ? info.token : impl_->announced_token(*stream, info.key.instance);
    return impl_->position_line(info.key, token);
}

pr::Dialect ReplicationCommandHandler::dialect() const {
    return impl_->options.dialect;
}
const core::Clock& ReplicationCommandHandler::clock() const {
    return impl_->clock;
}

}  // namespace weft::replication
