#include "stores.hpp"

namespace weft::workers {
namespace {

constexpr std::size_t kRoomStatesMax = 5'000;

}  // namespace

Stores::Stores(storage::Database& db, Streams& streams, const core::Config& config, const core::Clock& clock, asio::any_io_executor executor)
    : caches{db, streams.caches, registry, config.instance_name.get(), clock, executor},
      context{db, registry, caches, clock, executor, config.cache_factor_percent},
      events{db, streams.events, streams.backfill, config.event_cache_entries, executor},
      states{db, streams.events, events, registry, kRoomStatesMax, executor},
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
      registration_tokens{context},
      ui_auth_sessions{context},
      client_ips{context},
      profiles{context},
      devices{context, streams.device_lists},
      user_signatures{context, streams.user_signature},
      e2e_keys{context},
      cross_signing{context},
      room_keys{context},
      filters{context},
      account_data{context, streams.account_data, streams.tag_account_data},
      receipts{context, streams.receipts},
      presence{context, streams.presence},
      push_rules{context, streams.push_rules, streams.events},
      pushers{context, streams.pushers},
      push_actions{context, streams.events, streams.receipts, events},
      to_device{context, streams.to_device},
      directory{context, streams.public_rooms},
      rooms{context},
      groups{context, streams.groups} {
    if (config.writes("events")) persist.emplace(db, streams.events, caches, clock);
}

}  // namespace weft::workers
