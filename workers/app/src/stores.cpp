#include "stores.hpp"

namespace weft::workers {
namespace {

constexpr std::size_t kRoomStatesMax = 5'000;

}  // namespace

Stores::Stores(storage::Databases databases, Streams& streams, const core::Config& config, const core::Clock& clock, asio::any_io_executor executor)
    : caches{databases.main, streams.caches, registry, config.instance_name.get(), clock, executor},
      context{databases.main, registry, caches, clock, executor, config.cache_factor_percent},
      events{databases.main, streams.events, streams.backfill, config.event_cache_entries, executor},
      states{databases, streams.events, events, registry, kRoomStatesMax, executor},
      auth_chains{databases.main},
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
    if (config.writes("events")) persist.emplace(databases, streams.events, caches, clock);
}

}  // namespace weft::workers
