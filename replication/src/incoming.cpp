// What commands mean when they arrive.
#include <algorithm>

#include "command_handler_impl.hpp"
#include "weft/core/log.hpp"
#include "weft/proto/replication/ascii_json.hpp"

namespace weft::replication {

using Impl = ReplicationCommandHandler::Impl;

core::Result<void> Impl::on_command(LinkId id, pr::Command command, std::string_view line) {
    const auto found = links.find(id);
    if (found == links.end()) return {};  // the rest of a packet whose connection we have closed
    auto& link = found->second;
    if (const auto* rdata = std::get_if<pr::Rdata>(&command)) {
        return on_rdata(id, {rdata->stream, rdata->instance, rdata->token, rdata->row},
                        std::string{line} + "\n");
    }
    if (const auto* position = std::get_if<pr::Position>(&command)) {
        on_position(id, link, *position);
    } else if (const auto* replicate = std::get_if<pr::Replicate>(&command)) {
        on_replicate(link, *replicate);
    } else if (auto* sync = std::get_if<pr::UserSync>(&command)) {
        on_user_sync(link, std::move(*sync));
    } else if (const auto* clear = std::get_if<pr::ClearUserSyncs>(&command)) {
        if (clear->instance_id == options.instance_id) return {};
        link.sync_sources.erase(clear->instance_id);
        if (hooks.clear_user_syncs) {
            // In the queue of USER_SYNC: their order matters.
            hook_queues.add("replication_USER_SYNC",
                            [this, source = clear->instance_id] { return hooks.clear_user_syncs(source); });
        }
    } else if (const auto* ip = std::get_if<pr::UserIp>(&command)) {
        metrics.user_ip.increment();
        if (hooks.user_ip)
            hook_queues.add("replication_USER_IP", [this, c = *ip] { return hooks.user_ip(c); });
    } else if (const auto* pusher = std::get_if<pr::RemovePusher>(&command)) {
        metrics.remove_pusher.increment();
        if (hooks.remove_pusher) {
            hook_queues.add("replication_REMOVE_PUSHER",
                            [this, c = *pusher] { return hooks.remove_pusher(c); });
        }
    } else if (const auto* ack = std::get_if<pr::FederationAck>(&command)) {
        metrics.federation_ack.increment();
        if (hooks.federation_ack) {
            hook_queues.add("replication_FEDERATION_ACK",
                            [this, c = *ack] { return hooks.federation_ack(c); });
        }
    } else if (const auto* up = std::get_if<pr::RemoteServerUp>(&command)) {
        if (options.relays) {
            log.append_other(
                id, std::string{line} + "\n");  // to all but the sender, or it would go round for ever
            wake_links();
        }
        if (hooks.remote_server_up) {
            hook_queues.add("replication_REMOTE_SERVER_UP",
                            [this, server = up->server_name] { return hooks.remote_server_up(server); });
        }
    } else if (const auto* name = std::get_if<pr::Name>(&command)) {
        warn_of_namesakes(id, name->name);
    } else if (const auto* error = std::get_if<pr::Error>(&command)) {
        core::log_warning("replication", "{} reports: {}", link.link->peer_name(), error->text);
    }
    return {};
}

void Impl::warn_of_namesakes(LinkId id, const std::string& name) const {
    const auto is_namesake = [&](const auto& entry) {
        return entry.first != id && entry.second.link->peer_name() == name;
    };
    if (std::none_of(links.begin(), links.end(), is_namesake)) return;
    core::log_warning(
        "replication",
        "{} has another connection, whose rows are ignored from now on: it came back before the "
        "end of the old one was noticed, or two processes have one worker_name",
        name);
}

Impl::Route& Impl::route(LinkState& link, std::string_view stream, std::string_view instance) {
    const auto leads_to = [&](const auto* at) {
        return at != nullptr && at->first.stream == stream && at->first.instance == instance;
    };
    auto*& last = link.last_route;
    if (leads_to(last)) return last->second;
    if (last != nullptr && leads_to(last->second.next)) return (last = last->second.next)->second;
    auto [at, is_new] = link.routes.try_emplace(StreamKey{std::string{stream}, std::string{instance}});
    auto& [key, out] = *at;
    if (is_new) {
        out.stream = find(key.stream);
        if (out.stream != nullptr) out.speaker = &speakers[key];
        out.applies = out.stream != nullptr && subscribed(key.stream);
        if (out.applies) out.received.emplace(metrics.rows_received(key.stream));
        if (out.stream != nullptr && options.relays) out.log_feed = log.feed(key);
    }
    if (last != nullptr) last->second.next = &*at;
    last = &*at;
    return out;
}

core::Result<void> Impl::on_rdata(LinkId id, const pr::RdataView& rdata, std::string_view line) {
    const auto found = links.find(id);
    if (found == links.end()) return {};  // the rest of a packet whose connection we have closed
    if (rdata.instance == options.instance_name) return {};  // our own row came back
    auto& to = route(found->second, rdata.stream, rdata.instance);
    if (to.stream == nullptr) {
        core::log_debug("replication", "RDATA of the unknown stream {} is ignored", rdata.stream);
        return {};
    }
    if (id < *to.speaker) return {};
    if (!to.applies) {
        if (options.relays) relay_row(id, to, rdata, line);
        return {};
    }
    auto row = pr::parse_row_json(rdata.row);
    if (!row) return row.error();
    if (options.relays) relay_row(id, to, rdata, line);
    to.received->increment();
    if (to.feed == nullptr) to.feed = &feed_of(*to.stream, std::string{rdata.instance});
    perform(*to.feed, to.feed->feed.on_row(id, rdata.token, std::move(*row), rdata.row.size()));
    return {};
}

void Impl::relay_row(LinkId id, Route& to, const pr::RdataView& rdata, std::string_view line) {
    auto& held = to.held;
    if (rdata.token && held.lines.empty() && !held.too_long) {
        log.append(to.log_feed, *rdata.token, id, line);
        wake_links();
        return;
    }
    if (!held.too_long) {
        held.lines.append(line);
        held.too_long = held.lines.size() > kHeldBytesMax;
        if (held.too_long) held.lines = {};
    }
    if (!rdata.token) return;
    if (held.too_long) held.lines = position_line(log.info(to.log_feed).key, *rdata.token) + "\n";
    log.append(to.log_feed, *rdata.token, id, held.lines);
    held.lines.clear();
    held.too_long = false;
    wake_links();
}

void Impl::on_position(LinkId id, LinkState& link, const pr::Position& command) {
    if (command.instance == options.instance_name) return;
    const auto* stream = find(command.stream);
    if (stream == nullptr) {
        core::log_debug("replication", "POSITION of the unknown stream {} is ignored", command.stream);
        return;
    }
    const StreamKey key{command.stream, command.instance};
    auto& to = route(link, key.stream, key.instance);
    // Of a writer that is gone another may tell where it ended.
    const bool is_last_word = link.link->peer_name() != command.instance && !links.contains(*to.speaker);
    if (id < *to.speaker && !is_last_word) return;
    *to.speaker = id;
    if (options.relays) {
        to.held = {};
        log.append(log.feed(key), command.token, id,
                   position_line(key, command.token, command.previous) + "\n");
        wake_links();
    }
    if (!subscribed(command.stream)) return;
    auto& state = feed_of(*stream, command.instance);
    perform(state, state.feed.on_position(id, command.token, command.previous));
}

bool Impl::has_spoken(const StreamKey& writer) const {
    const auto feed = log.find(writer);
    return feed && log.info(*feed).last_entry != 0;
}

void Impl::on_replicate(LinkState& link, const pr::Replicate& command) {
    const std::set<std::string> wanted{command.streams.begin(), command.streams.end()};
    link.link->subscribe(wanted);
    if (options.on_bus) refresh_wanted.notify_all();  // whoever came back may have missed who syncs here
    const auto requester = link.link->peer_name();
    for (const auto& stream : streams) {
        if (!wanted.empty() && !wanted.contains(stream->name())) continue;
        std::set<std::string> instances;
        if (written_here(*stream)) instances.insert(options.instance_name);
        if (options.relays) {
            // A worker that writes is known by its configuration, or by what it has sent.
            instances.insert(stream->writers().begin(), stream->writers().end());
            for (const auto& info : log.feeds()) {
                if (info.key.stream == stream->name()) instances.insert(info.key.instance);
            }
        }
        for (const auto& instance : instances) {
            const bool is_ours = instance == options.instance_name;
            // What the database holds of a writer that we have not heard says too much: a smaller token of its may
            // still be open. Its own POSITION goes to everybody when it comes.
            if (!is_ours && (instance == requester || !has_spoken({stream->name(), instance}))) continue;
            link.link->send_line(
                position_line({stream->name(), instance}, announced_token(*stream, instance)));
        }
    }
}

void Impl::on_user_sync(LinkState& link, pr::UserSync command) {
    if (command.instance_id == options.instance_id) return;  // our own words came back
    metrics.user_sync.increment();
    const bool is_first =
        link.sync_sources.insert_or_assign(command.instance_id, clock.monotonic_ms()).second;
    if (!hooks.user_sync) return;
    hook_queues.add("replication_USER_SYNC",
                    [this, c = std::move(command), is_first] { return hooks.user_sync(c, is_first); });
    if (!options.on_bus || watch_running) return;
    watch_running = true;
    tasks.spawn("replication_sync_source_watch", [this] { return watch_sync_sources(); });
}

/// A process that is killed says nothing, and on a bus no connection of ours ends with it.
Task<void> Impl::watch_sync_sources() {
    while (true) {
        co_await core::sleep_for(core::Milliseconds{kUserSyncRefreshMs});
        const auto oldest = clock.monotonic_ms() - kUserSyncSilenceMs;
        std::vector<std::string> silent;
        for (auto& [id, link] : links) {
            for (const auto& [source, heard] : link.sync_sources) {
                if (heard < oldest) silent.push_back(source);
            }
            for (const auto& source : silent) link.sync_sources.erase(source);
        }
        for (const auto& source : silent) sync_source_lost(source);
    }
}

void Impl::sync_source_lost(const std::string& source) {
    // The instance may have come back by a newer connection already.
    for (const auto& [id, link] : links) {
        if (link.sync_sources.contains(source)) return;
    }
    if (!hooks.user_sync_source_lost) return;
    hook_queues.add("replication_USER_SYNC", [this, source] { return hooks.user_sync_source_lost(source); });
}

void Impl::link_closed(LinkId id) {
    const auto found = links.find(id);
    if (found == links.end()) return;
    const auto sources = std::move(found->second.sync_sources);
    links.erase(found);
    metrics.connections.set(static_cast<double>(links.size()));
    for (auto& [key, state] : feeds) {
        if (state.feed.link() != id) continue;
        state.feed.on_link_lost(id);
        set_connected(state, false);
    }
    for (const auto& [source, heard] : sources) sync_source_lost(source);
}

}  // namespace weft::replication
