#include "stores.hpp"

namespace weft::workers {
namespace {

constexpr std::size_t kRoomStatesMax = 5'000;

/// Where this process answers calls, as the table of writers has it.
std::string address_of(const core::Config& config) {
    const auto found = config.instance_map.find(config.instance_name.get());
    if (found == config.instance_map.end()) return {};
    const auto& address = found->second;
    return address.path.empty() ? address.host + " " + std::to_string(address.port) : address.path;
}

}  // namespace

Stores::Stores(storage::Databases databases, Streams& streams, const core::Config& config, const core::Clock& clock, asio::any_io_executor executor)
    : caches{databases.main, streams.caches, registry, config.instance_name.get(), clock, executor},
      context{databases.main, registry, caches, clock, executor, config.cache_factor_percent},
      events{databases.main, streams.events, streams.backfill, config.event_cache_entries, executor},
      states{databases, streams.events, events, registry, kRoomStatesMax, executor},
      auth_chains{databases.main},
      relations{context, streams.events},
      room_recency{context, streams.events},
      sliding_sync{context},
      delayed_events{context},
      open_ids{context},
      search{context},
      reports{context},
      user_directory{context, config.server_name},
      users{context},
      tokens{context},
      refresh_tokens{context},
      login_tokens{context},
      admin_users{context},
      erased_users{context},
      admin_rooms{context},
      admin_tasks{context},
      registration_tokens{context},
      three_pids{context},
      ui_auth_sessions{context},
      client_ips{context},
      profiles{context},
      devices{context, streams.device_lists},
      dehydrated_devices{context},
      user_signatures{context, streams.user_signature},
      e2e_keys{context},
      cross_signing{context},
      room_keys{context},
      media{context},
      url_previews{context},
      filters{context},
      account_data{context, streams.account_data, streams.tag_account_data},
      receipts{context, streams.receipts},
      presence{context, streams.presence},
      push_rules{context, streams.push_rules, streams.account_data, streams.events},
      pushers{context, streams.pushers},
      push_actions{context, streams.events, streams.receipts, events},
      push_queue{context},
      to_device{context, streams.to_device},
      directory{context, streams.public_rooms},
      rooms{context},
      groups{context, streams.groups},
      event_writers{databases.main, caches},
      appservices{context} {
    const auto forget = [this](const std::vector<std::string>& keys) {
        if (keys.empty()) return;
        events.forget_room(proto::RoomId::trusted(keys.front()));
        states.forget_room(proto::RoomId::trusted(keys.front()));
    };
    registry.add(storage::kRoomPurgedCache, forget, [] {});
    if (!config.writes("events")) return;
    storage::EventLease::Options lease{config.instance_name.get(), address_of(config), config.writers_of("events")};
    event_lease.emplace(executor, event_writers, streams.events, std::move(lease));
    persist.emplace(databases, streams.events, caches, clock, *event_lease);
}

}  // namespace weft::workers
