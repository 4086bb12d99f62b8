#include "stream_bindings.hpp"

#include "weft/replication/rpc_endpoints.hpp"

namespace weft::workers {
namespace {

using UpdatesFunction =
    std::function<Task<replication::Updates>(std::string, std::int64_t, std::int64_t, std::size_t)>;

replication::Updates to_replication(storage::StreamUpdates updates) {
    replication::Updates out;
    out.upto = updates.upto;
    out.limited = updates.limited;
    out.rows.reserve(updates.rows.size());
    for (auto& [token, row] : updates.rows) out.rows.push_back({token, std::move(row)});
    return out;
}

/// A store's `updates(from, to, limit)` in replication's terms.
template <class Store>
UpdatesFunction from_store(Store& store,
                           Task<storage::StreamUpdates> (Store::*updates)(std::int64_t, std::int64_t,
                                                                          std::size_t)) {
    return [&store, updates](std::string, std::int64_t from, std::int64_t to,
                             std::size_t limit) -> Task<replication::Updates> {
        co_return to_replication(co_await (store.*updates)(from, to, limit));
    };
}

/// For an instance never heard of: the newest token of anybody.
std::int64_t known_token(const storage::StreamState& stream, const std::string& instance) {
    return stream.positions().contains(instance) ? stream.position(instance) : stream.current();
}

bool shares_ids(const std::string& stream) {
    const auto* info = proto::replication::find_stream(stream);
    return info != nullptr && !info->shares_tokens_with.empty();
}

/// Rows that only the writer has: where there is no `source` they are fetched from it.
template <class Source>
UpdatesFunction from_memory(const Source* source, replication::RpcClient& rpc,
                            const storage::StreamState& stream) {
    if (source == nullptr) return replication::updates_by_rpc(rpc, stream.name());
    // Nothing was written yet: here the writer began.
    return [source, begins = stream.current()](std::string, std::int64_t from, std::int64_t to,
                                               std::size_t limit) -> Task<replication::Updates> {
        auto page = to_replication(source->updates(from, to, limit));
        page.begins = begins;
        co_return page;
    };
}

class Binder {
public:
    Binder(replication::ReplicationCommandHandler& replication, const core::Config& config)
        : replication_{replication}, config_{config} {}

    void bind(storage::StreamState& stream, UpdatesFunction updates) {
        add(stream, std::move(updates),
            {[&stream](const std::string& instance, std::int64_t token, const replication::Rows& rows) {
                 stream.apply(instance, token, rows);
             },
             [&stream](const std::string& instance, std::int64_t token) { stream.advance(instance, token); },
             [&stream](const std::string& instance) { return known_token(stream, instance); }});
    }

    void bind_events(storage::StreamState& stream, EventsApplier& applier, UpdatesFunction updates) {
        add(stream, std::move(updates),
            {[&applier](const std::string& instance, std::int64_t token, const replication::Rows& rows) {
                 applier.apply(instance, token, rows);
             },
             [&applier](const std::string& instance, std::int64_t token) {
                 applier.advance(instance, token);
             },
             [&applier, &stream](const std::string& instance) {
                 return std::max(known_token(stream, instance), applier.position(instance));
             }});
    }

private:
    struct Ways {
        std::function<void(const std::string&, std::int64_t, const replication::Rows&)> apply;
        std::function<void(const std::string&, std::int64_t)> advance;
        std::function<std::int64_t(const std::string&)> current_token;
    };

    void add(storage::StreamState& stream, UpdatesFunction updates, Ways ways) {
        replication::StreamBindings bindings;
        bindings.current_token = std::move(ways.current_token);
        bindings.updates = std::move(updates);
        bindings.apply = std::move(ways.apply);
        bindings.advance = std::move(ways.advance);
        bindings.rewind = [&stream](const std::string& instance, std::int64_t token) {
            stream.rewind(instance, token);
        };
        if (shares_ids(stream.name()) && !stream.is_writer()) {
            // Until it has caught up with the writer, nobody knows what is missing before a row of the other.
            stream.set_behind(true);
            bindings.set_behind = [&stream](const std::string&, bool behind) { stream.set_behind(behind); };
        }
        const auto writers = stream.name() == "caches" ? std::vector<std::string>{config_.instance_name.get()}
                                                       : config_.writers_of(stream.name());
        replication_.add_stream(replication::Stream{stream.name(), writers, std::move(bindings)});
        stream.set_publisher(
            [this_ = &replication_, name = stream.name()](
                std::int64_t token, const storage::StreamRows& rows) { this_->publish(name, token, rows); });
    }

    replication::ReplicationCommandHandler& replication_;
    const core::Config& config_;
};

}  // namespace

void bind_streams(replication::ReplicationCommandHandler& replication, Streams& streams, Stores& stores,
                  EventsApplier& events_applier, handlers::Typing& typing,
                  const handlers::FederationQueue* federation, replication::RpcClient& rpc,
                  const core::Config& config) {
    Binder binder{replication, config};
    const auto event_updates = [](storage::EventsStore::Updates updates) {
        return to_replication({std::move(updates.rows), updates.upto, updates.limited});
    };
    binder.bind_events(
        streams.events, events_applier,
        [&events = stores.events, event_updates](std::string, std::int64_t from, std::int64_t to,
                                                 std::size_t limit) -> Task<replication::Updates> {
            co_return event_updates(co_await events.updates(from, to, limit));
        });
    binder.bind(streams.backfill,
                [&events = stores.events, event_updates](std::string, std::int64_t from, std::int64_t to,
                                                         std::size_t limit) -> Task<replication::Updates> {
                    co_return event_updates(co_await events.backfill_updates(from, to, limit));
                });
    binder.bind(streams.presence, from_store(stores.presence, &storage::PresenceStore::updates));
    binder.bind(streams.typing, from_memory(config.writes("typing") ? &typing : nullptr, rpc, streams.typing));
    binder.bind(streams.receipts, from_store(stores.receipts, &storage::ReceiptStore::updates));
    binder.bind(streams.push_rules, from_store(stores.push_rules, &storage::PushRuleStore::updates));
    binder.bind(streams.pushers, from_store(stores.pushers, &storage::PusherStore::updates));
    binder.bind(streams.caches,
                [&caches = stores.caches](std::string instance, std::int64_t from, std::int64_t to,
                                          std::size_t limit) -> Task<replication::Updates> {
                    co_return to_replication(co_await caches.updates(std::move(instance), from, to, limit));
                });
    binder.bind(streams.public_rooms, from_store(stores.directory, &storage::RoomDirectoryStore::updates));
    binder.bind(streams.device_lists, from_store(stores.devices, &storage::DeviceStore::updates));
    binder.bind(streams.to_device, from_store(stores.to_device, &storage::ToDeviceStore::updates));
    binder.bind(streams.federation, from_memory(federation, rpc, streams.federation));
    binder.bind(streams.tag_account_data,
                from_store(stores.account_data, &storage::AccountDataStore::updates_tags));
    binder.bind(streams.account_data,
                from_store(stores.account_data, &storage::AccountDataStore::updates_account_data));
    binder.bind(streams.groups, from_store(stores.groups, &storage::GroupUpdateStore::updates));
    binder.bind(streams.user_signature,
                from_store(stores.user_signatures, &storage::UserSignatureStore::updates));
}

}  // namespace weft::workers
