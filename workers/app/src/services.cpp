#include "services.hpp"

namespace weft::workers {

Services::Services(Stores& stores, Streams& streams, replication::RpcClient& rpc, const core::Config& config, const core::Clock& clock,
                   const proto::SigningKey& key, asio::any_io_executor executor)
    : push_actions{stores.push_rules},
      events{executor, config, clock,
             stores.persist ? &room_writer.emplace(executor, clock, stores.events, stores.states, *stores.persist, push_actions, key,
                                                   handlers::RoomWriter::Options{.server_name = config.server_name})
                            : nullptr,
             rpc, streams.events},
      authenticator{stores.tokens, config, clock},
      client_ips{stores.client_ips, clock, executor},
      passwords{stores.users, cpu, config, clock},
      devices{stores.devices, stores.tokens},
      sessions{stores.tokens, devices, config, clock},
      interactive_auth{stores.ui_auth_sessions, passwords, stores.registration_tokens, config, clock},
      registration{stores.users, stores.registration_tokens, passwords, interactive_auth, sessions, config, clock},
      shared_secret_registration{registration, sessions, config, clock},
      login{passwords, sessions, config, clock},
      accounts{stores.users, stores.profiles, stores.states, passwords, devices, events, executor},
      profiles{stores.profiles, stores.states, events, config, executor},
      filters{stores.filters},
      local_room_visibility{stores.directory},
      remote_room_visibility{rpc, config.writers_of("public_rooms").front()},
      room_visibility{config.writes("public_rooms") ? static_cast<handlers::RoomVisibility&>(local_room_visibility) : remote_room_visibility},
      room_reader{stores.states, stores.events},
      membership{room_reader, events, stores.states, stores.profiles, stores.rooms, clock, config},
      directory{room_reader, stores.directory, events, room_visibility, clock, config.server_name},
      create_room{events, membership, directory, room_visibility, clock, config},
      state_events{room_reader, events, membership, directory, clock},
      messages{room_reader, events, stores.events, stores.rooms, clock, config.server_name},
      public_rooms{stores.directory, stores.rooms, stores.events, clock, executor,
                   handlers::PublicRooms::Options{.enabled = config.enable_room_list_search}},
      room_upgrade{room_reader,     events,       create_room,      membership, room_visibility,
                   stores.events,   stores.rooms, stores.directory, clock,      config.server_name},
      visibility{stores.events, stores.states},
      room_access{stores.events, stores.states},
      room_state_reader{stores.events, stores.states, room_access, visibility},
      event_reader{stores.events, stores.states, stores.account_data, visibility},
      message_pages{stores.events, stores.states, stores.account_data, room_access, visibility, streams.events},
      aggregations{stores.relations, stores.events, stores.account_data, visibility},
      related_events{stores.relations, stores.events, stores.account_data, event_reader, room_access, visibility},
      room_previews{room_reader, stores.states, stores.events},
      message_search{stores.search, stores.events, stores.states, stores.account_data, event_reader, room_state_reader, visibility},
      reports{stores.reports, stores.users, stores.events, room_reader, event_reader, clock, config.server_name},
      user_directory{stores.user_directory, streams.events, config, executor},
      delayed_events{stores.delayed_events,
                     room_reader,
                     messages,
                     state_events,
                     stores.events,
                     streams.events,
                     clock,
                     executor,
                     handlers::DelayedEvents::Options{config.delayed_events_max_ms}},
      open_id{stores.open_ids, clock, config.server_name},
      typing{executor, clock, stores.states, streams.typing},
      presence{executor, config, clock, stores.presence, rpc},
      writer_commands{stores.pushers, federation, rpc, config},
      presence_status{presence, stores.states},
      receipts{room_reader, stores.events, stores.receipts, stores.account_data, presence, clock},
      account_data{stores.account_data, push_actions},
      tags{stores.account_data},
      push_rules{stores.push_rules, push_actions},
      device_keys{stores.e2e_keys, stores.cross_signing, stores.devices, config.server_name},
      device_list_changes{stores.devices, stores.user_signatures, stores.events, stores.states, streams.events},
      cross_signing{stores.cross_signing, stores.e2e_keys, stores.devices, stores.user_signatures},
      room_key_backup{stores.room_keys},
      to_device{stores.to_device, clock, config.server_name},
      notifier{executor,
               clock,
               stores.states,
               handlers::Notifier::Streams{streams.events, streams.typing, streams.receipts, streams.account_data, streams.tag_account_data,
                                           streams.push_rules, streams.to_device, streams.device_lists, streams.user_signature, streams.presence}},
      sync{sync_sources(stores, streams, config, clock)},
      sliding_sync{sync_sources(stores, streams, config, clock), stores.sliding_sync, stores.room_recency, device_list_changes},
      old_sync{sync_sources(stores, streams, config, clock), message_pages, room_state_reader, room_access, event_reader, stores.directory},
      sync_filters{stores.filters, executor},
      config_{config} {
    if (config.writes("federation")) federation.emplace(executor, clock, streams.federation);
    stores.e2e_keys.on_counts_changed([this](const std::string& user_id, const std::string&) { notifier.wake_user(user_id); });
    events.on_sent([this](const std::string& user_id) { presence.user_active(user_id); });
}

handlers::SyncSources Services::sync_sources(Stores& stores, Streams& streams, const core::Config& config, const core::Clock& clock) {
    return {clock,
            streams.events,
            streams.typing,
            streams.presence,
            streams.push_rules,
            stores.events,
            stores.states,
            stores.account_data,
            stores.receipts,
            stores.push_actions,
            stores.to_device,
            stores.devices,
            stores.user_signatures,
            stores.e2e_keys,
            push_actions,
            typing,
            presence,
            visibility,
            aggregations,
            notifier,
            config.server_name};
}

void Services::serve(replication::RpcServer& server) {
    if (room_writer) events.serve(server);
    if (config_.writes("public_rooms")) handlers::serve_room_visibility(server, local_room_visibility);
    if (config_.writes("presence")) presence.serve(server);
    writer_commands.serve(server);
}

Task<void> Services::stop(std::int64_t deadline_ms) {
    co_await accounts.stop(deadline_ms);
    co_await profiles.stop(deadline_ms);
    if (room_writer) co_await room_writer->stop(deadline_ms);
    co_await presence.stop();
    co_await typing.stop();
    if (federation) co_await federation->stop();
    co_await user_directory.stop();
    co_await delayed_events.stop();
    co_await notifier.stop();
    co_await client_ips.stop();
}

}  // namespace weft::workers
