// Carries out what the feeds decide.
#include "command_handler_impl.hpp"
#include "weft/core/log.hpp"
#include "weft/core/random.hpp"

namespace weft::replication {

using Impl = ReplicationCommandHandler::Impl;

Impl::FeedState& Impl::feed_of(const Stream& stream, const std::string& instance) {
    const StreamKey key{stream.name(), instance};
    const auto found = feeds.find(key);
    if (found != feeds.end()) return found->second;
    auto feed_options = options.feed;
    feed_options.in_memory = stream.in_memory();
    // Synapse 1.15 announces backfilled events newest first, and some cache invalidations again or early.
    const bool is_unordered = stream.name() == "backfill" || stream.name() == "caches";
    feed_options.tokens_ascend = options.dialect != pr::Dialect::kSynapse115 || !is_unordered;
    return feeds
        .try_emplace(key, key, &stream, Feed{stream.current_token(instance), feed_options},
                     clock.monotonic_ms())
        .first->second;
}

template <class Function>
void Impl::act(FeedState& state, std::int64_t token, Function function) {
    try {
        function();
    } catch (const std::exception& error) {
        // The row was delivered; what somebody makes of it must not stop the stream.
        core::log_error("replication", "applying {} {} of {} failed: {}", state.key.stream, token,
                        state.key.instance, error.what());
    }
    moved(state);
}

void Impl::perform(FeedState& state, FeedActions actions) {
    for (auto& action : actions) {
        if (const auto* rows = std::get_if<ApplyRows>(&action)) {
            act(state, rows->token,
                [&] { state.stream->apply(state.key.instance, rows->token, rows->rows); });
        } else if (const auto* advance = std::get_if<AdvanceTo>(&action)) {
            act(state, advance->token, [&] { state.stream->advance(state.key.instance, advance->token); });
        } else if (const auto* rewind = std::get_if<RewindTo>(&action)) {
            act(state, rewind->token, [&] { state.stream->rewind(state.key.instance, rewind->token); });
        } else if (const auto* what = std::get_if<FetchRows>(&action)) {
            set_connected(state, false);
            tasks.spawn("replication_catch_up",
                        [this, &state, fetched = *what] { return fetch(state, fetched); });
        } else if (const auto* later = std::get_if<RetryFetch>(&action)) {
            tasks.spawn("replication_catch_up_retry",
                        [this, &state, when = *later] { return retry(state, when); });
        } else {
            if (state.warned)
                core::log_info("replication", "{} of {} caught up", state.key.stream, state.key.instance);
            state.warned = false;
            set_connected(state, true);
            caught_up_signal.notify_all();
            for (auto& [id, link] : links) {
                if (link.was_caught_up || !caught_up(id)) continue;
                link.was_caught_up = true;
                link.link->on_caught_up();
            }
        }
    }
}

void Impl::moved(const FeedState& state) {
    if (caught_up_signal.waiters() > 0) caught_up_signal.notify_all();
    if (waiters.anybody(state.key)) waiters.moved(state.key, state.stream->current_token(state.key.instance));
}

Task<void> Impl::fetch(FeedState& state, FetchRows what) {
    Updates updates;
    std::string failure;
    try {
        const BlockMetrics::Timer timer{metrics.get_updates};
        updates = co_await state.stream->updates(state.key.instance, what.from, what.upto,
                                                 state.stream->options().rows_per_page);
    } catch (const std::exception& error) {
        if (core::is_cancellation(std::current_exception())) throw;
        failure = error.what();
        if (failure.empty()) failure = "unknown";
    }
    if (failure.empty()) {
        perform(state, state.feed.on_fetched(what.id, std::move(updates)));
        co_return;
    }
    metrics.catch_up_failures.increment();
    if (!state.warned && clock.monotonic_ms() - state.behind_since > kWarnBehindMs) {
        state.warned = true;
        core::log_warning("replication", "{} of {} cannot catch up from {} to {} and goes on trying: {}",
                          state.key.stream, state.key.instance, what.from, what.upto, failure);
    } else {
        core::log_debug("replication", "fetching {} of {} failed: {}", state.key.stream, state.key.instance,
                        failure);
    }
    perform(state, state.feed.on_fetch_failed(what.id));
}

Task<void> Impl::retry(FeedState& state, RetryFetch what) {
    const auto jittered =
        static_cast<std::int64_t>(static_cast<double>(what.delay_ms) * (0.75 + core::random_unit() / 2));
    if (jittered > 0) co_await core::sleep_for(core::Milliseconds{jittered});
    perform(state, state.feed.on_retry(what.id));
}

void Impl::set_connected(FeedState& state, bool connected) {
    if (state.connected == connected) return;
    state.connected = connected;
    if (!connected) state.behind_since = clock.monotonic_ms();
    state.metrics.connected.set(connected ? 1 : 0);
    state.stream->set_behind(state.key.instance, !connected);
}

bool Impl::caught_up(LinkId id) const {
    const auto link = links.find(id);
    if (link == links.end()) return false;
    for (const auto& stream : streams) {
        if (!subscribed(stream->name())) continue;
        for (const auto& writer : stream->writers()) {
            if (writer == options.instance_name) continue;
            const auto feed = feeds.find({stream->name(), writer});
            if (feed == feeds.end() || !feed->second.feed.connected() || feed->second.feed.link() != id)
                return false;
        }
    }
    for (const auto& [key, state] : feeds) {
        if (state.feed.link() == id && !state.feed.connected()) return false;
    }
    return true;
}

bool Impl::all_caught_up() const {
    if (options.relays) {
        // Writers that are away cannot be waited for: their rows are in the database.
        for (const auto& [key, state] : feeds) {
            if (state.feed.link() && !state.feed.connected()) return false;
        }
        return true;
    }
    for (const auto& [id, link] : links) {
        if (caught_up(id)) return true;
    }
    return false;
}

bool Impl::heard_all_writers() const {
    for (const auto& stream : streams) {
        if (!subscribed(stream->name())) continue;
        for (const auto& writer : stream->writers()) {
            if (writer == options.instance_name) continue;
            const auto state = feeds.find({stream->name(), writer});
            if (state == feeds.end()) return false;
            const auto& feed = state->second.feed;
            // It may say less than we report already, having been seeded by the database.
            if (!feed.connected() || feed.position() < stream->current_token(writer)) return false;
        }
    }
    return true;
}

Task<bool> Impl::wait_until(bool (Impl::*condition)() const, core::Milliseconds timeout) {
    const auto until = std::chrono::steady_clock::now() + timeout;
    while (!(this->*condition)()) {
        const auto left =
            std::chrono::duration_cast<core::Milliseconds>(until - std::chrono::steady_clock::now());
        if (left.count() <= 0 || !co_await caught_up_signal.wait(left)) co_return (this->*condition)();
    }
    co_return true;
}

}  // namespace weft::replication
