// What is sent, and to whom.
#include "command_handler_impl.hpp"
#include "weft/core/log.hpp"
#include "weft/proto/replication/ascii_json.hpp"

namespace weft::replication {

using Impl = ReplicationCommandHandler::Impl;

void Impl::link_opened(std::shared_ptr<Link> link, bool is_client) {
    auto& state = links[link->id()];
    state.link = link;
    state.is_client = is_client;
    state.since_ms = clock.now_ms();
    metrics.connections.set(static_cast<double>(links.size()));
    if (!is_client) return;

    const auto say = [&](const pr::Command& command) {
        if (const auto line = pr::format_line(command, options.dialect)) link->send_line(*line);
    };
    if (hooks.currently_syncing) {
        // Others on a bus did not see that we were away: what ended meanwhile has to be said.
        if (options.on_bus && user_syncs_sent) say(pr::ClearUserSyncs{options.instance_id});
        for (const auto& user : hooks.currently_syncing()) {
            user_syncs_sent = true;
            say(pr::UserSync{options.instance_id, user, true, clock.now_ms()});
        }
        if (!refresh_running) {
            refresh_running = true;
            tasks.spawn("replication_user_sync_refresh", [this] { return refresh_user_syncs(); });
        }
    }
    if (may_publish()) {
        // The other side cannot know that rows went by while there was no connection.
        for (const auto& stream : streams) {
            if (!written_here(*stream)) continue;
            link->send_line(position_line({stream->name(), options.instance_name},
                                          stream->current_token(options.instance_name)));
        }
    }
    pr::Replicate replicate;
    if (options.dialect == pr::Dialect::kWeft) replicate.streams = options.subscriptions;
    say(replicate);
}

void Impl::publish(const std::string& name, std::int64_t token, const Rows& rows) {
    const StreamKey key{name, options.instance_name};
    waiters.moved(key, token);
    if (!may_publish()) return;  // a worker of a real Synapse 1.15 master is not allowed to
    metrics.rows_published(name).increment(static_cast<double>(rows.size()));
    const auto [newest, is_first] = published.try_emplace(name, token);
    const auto previous = is_first ? std::nullopt : std::optional{std::exchange(newest->second, token)};
    if (links.empty()) return;  // a connection begins with our positions

    std::string lines;
    std::string row_json;
    bool fits = !rows.empty();
    for (std::size_t i = 0; i < rows.size() && fits; ++i) {
        row_json.clear();
        pr::append_ascii_json(row_json, rows[i]);
        const auto begin = lines.size();
        const bool is_last = i + 1 == rows.size();
        pr::append_rdata(lines, name, options.instance_name, is_last ? std::optional{token} : std::nullopt,
                         row_json);
        fits = lines.size() - begin <= pr::kLineBytesMax;
        lines += '\n';
    }
    if (!fits) {
        if (!rows.empty()) metrics.oversize.increment();
        lines = position_line(key, token, rows.empty() ? previous : std::nullopt) + "\n";
    }
    log.append(log.feed(key), token, 0, lines);
    wake_links();
}

void Impl::announce_end(const StreamKey& key, std::int64_t token) {
    const auto* stream = find(key.stream);
    if (stream == nullptr || key.instance == options.instance_name) return;
    if (options.relays) {
        log.append(log.feed(key), token, 0, position_line(key, token) + "\n");
        wake_links();
    } else {
        send(pr::Position{key.stream, key.instance, std::nullopt, token});
    }
    if (!subscribed(key.stream)) return;
    // As heard from whom we hear of all others; a master has no such connection, and needs none.
    const auto heard_by = options.relays || links.empty() ? next_link_id++ : links.rbegin()->first;
    auto& state = feed_of(*stream, key.instance);
    perform(state, state.feed.on_position(heard_by, token));
}

void Impl::send(const pr::Command& command) {
    const auto line = pr::format_line(command, options.dialect);
    if (!line) {
        core::log_warning("replication", "cannot send: {}", line.error().message);
        return;
    }
    if (options.relays) {
        log.append_other(0, *line + "\n");
        wake_links();
        return;
    }
    for (const auto& [id, state] : links) state.link->send_line(*line);
}

void Impl::wake_links() {
    if (bursts > 0) {
        wake_after_burst = true;
        return;
    }
    for (const auto& [id, state] : links) state.link->wake();
}

/// What we may say of a writer: all its rows up to here are in the database, or in front of this in the log.
/// For another process that is what was relayed, not what was applied here, which may be less: rows in
/// between would be lost to a connection that begins now.
std::int64_t Impl::announced_token(const Stream& stream, const std::string& instance) const {
    if (instance != options.instance_name) {
        const auto feed = log.find({stream.name(), instance});
        if (feed && log.info(*feed).last_entry != 0) return log.info(*feed).token;
    }
    return stream.current_token(instance);
}

std::string Impl::position_line(const StreamKey& key, std::int64_t token,
                                std::optional<std::int64_t> previous) const {
    if (previous && options.dialect == pr::Dialect::kWeft) {
        return fmt::format("POSITION {} {} {} {}", key.stream, key.instance, *previous, token);
    }
    return fmt::format("POSITION {} {} {}", key.stream, key.instance, token);
}

Task<void> Impl::refresh_user_syncs() {
    // A user who syncs without a pause changes nothing that would be told; the master must not think that we
    // are gone.
    while (true) {
        const bool is_wanted = co_await refresh_wanted.wait(core::Milliseconds{kUserSyncRefreshMs});
        if (is_wanted) co_await core::sleep_for(core::Milliseconds{kUserSyncGatherMs});
        for (const auto& user : hooks.currently_syncing()) {
            user_syncs_sent = true;
            send(pr::UserSync{options.instance_id, user, true, clock.now_ms()});
        }
    }
}

}  // namespace weft::replication
