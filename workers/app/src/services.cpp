#include "services.hpp"

#include <algorithm>

namespace weft::workers {
namespace {

constexpr std::int64_t kGatewayTimeoutMs = 30'000;
constexpr std::size_t kGatewayAnswerBytesMax = 256 * 1024;
constexpr std::size_t kAppserviceAnswerBytesMax = 4 * 1024 * 1024;
constexpr std::int64_t kIdentityServerTimeoutMs = 10'000;
constexpr std::size_t kIdentityServerAnswerBytesMax = 64 * 1024;
/// How often what is due to be mailed is looked for: in proportion to the delay, within these.
constexpr std::int64_t kMailLookMinMs = 1'000;
constexpr std::int64_t kMailLookMaxMs = 60'000;

Task<http::Response> post_json(http::WebClient& client, std::string url, std::string body) {
    http::WebRequest request;
    request.method = http::Method::kPost;
    request.url = std::move(url);
    request.headers.set("Content-Type", "application/json");
    request.body = std::move(body);
    request.timeout_ms = kGatewayTimeoutMs;
    request.response_bytes_max = kGatewayAnswerBytesMax;
    co_return co_await client.send(std::move(request));
}

Task<http::Response> call_appservice(http::WebClient& client, handlers::AppserviceClient::Call call) {
    http::WebRequest request;
    request.method = call.method;
    request.url = std::move(call.url);
    request.headers.set("Authorization", "Bearer " + call.bearer);
    if (!call.body.empty()) request.headers.set("Content-Type", "application/json");
    request.body = std::move(call.body);
    request.timeout_ms = call.timeout_ms;
    request.response_bytes_max = kAppserviceAnswerBytesMax;
    co_return co_await client.send(std::move(request));
}

Task<http::Response> call_identity_server(http::WebClient& client, handlers::IdentityServers::Call call) {
    http::WebRequest request;
    request.method = call.method;
    request.url = std::move(call.url);
    if (!call.authorization.empty()) request.headers.set("Authorization", std::move(call.authorization));
    if (!call.body.empty()) request.headers.set("Content-Type", "application/json");
    request.body = std::move(call.body);
    request.timeout_ms = kIdentityServerTimeoutMs;
    request.response_bytes_max = kIdentityServerAnswerBytesMax;
    co_return co_await client.send(std::move(request));
}

handlers::EmailNotifications::Options email_options(const core::Config& config) {
    handlers::EmailNotifications::Options options{.app_name = config.email.app_name, .include_content = config.push_include_content};
    options.delay_ms = static_cast<std::int64_t>(config.email.notif_delay_before_mail_ms);
    options.look_interval_ms = std::clamp<std::int64_t>(options.delay_ms / 10, kMailLookMinMs, kMailLookMaxMs);
    return options;
}

}  // namespace

Services::Services(Stores& stores, Streams& streams, replication::RpcClient& rpc, const core::Config& config, const core::Clock& clock,
                   const proto::SigningKey& key, asio::any_io_executor executor)
    : state_resolver{stores.events, stores.states, stores.auth_chains, cpu, executor},
      appservices{core::load_appservices(config.app_service_config_files), config.server_name},
      appservice_connections{executor},
      appservice_client{[this](handlers::AppserviceClient::Call call) { return call_appservice(appservice_connections, std::move(call)); }},
      appservice_queries{appservices, appservice_client, clock},
      push_actions{stores.push_rules},
      events{executor, config, clock,
             stores.persist ? &room_writer.emplace(executor, clock, stores.events, stores.states, state_resolver, *stores.persist, push_actions, key,
                                                   handlers::RoomWriter::Options{.server_name = config.server_name})
                            : nullptr,
             rpc, streams.events, stores.event_writers, stores.registry, key},
      authenticator{stores.tokens, config, clock},
      client_ips{stores.client_ips, clock, executor},
      passwords{stores.users, cpu, config, clock},
      devices{stores.devices, stores.tokens},
      sessions{stores.tokens, stores.refresh_tokens, devices, config, clock},
      mailer{config.email, clock},
      third_party_ids{stores.three_pids, mailer, config, clock},
      interactive_auth{stores.ui_auth_sessions, passwords, third_party_ids, stores.registration_tokens, clock},
      registration{stores.users, stores.tokens, stores.registration_tokens, passwords, third_party_ids, interactive_auth, sessions, config, clock},
      shared_secret_registration{registration, sessions, config, clock},
      login_tokens{stores.login_tokens, config, clock},
      login{passwords, login_tokens, sessions, stores.users, config, clock},
      account_status{stores.users, stores.tokens, config},
      whois{stores.users, stores.client_ips, config},
      identity_connections{executor, http::AddressFilter{config.ip_range_blacklist, config.ip_range_whitelist}},
      identity_servers{[this](handlers::IdentityServers::Call call) { return call_identity_server(identity_connections, std::move(call)); },
                       config.server_name, key},
      identity_bindings{stores.three_pids, identity_servers, clock, config},
      accounts{handlers::Accounts::Stores{stores.users, stores.admin_users, stores.erased_users, stores.profiles, stores.three_pids, stores.pushers,
                                            stores.states},
               passwords, devices, identity_bindings, events, executor},
      profiles{stores.profiles, stores.states, events, config, executor},
      user_admin{handlers::UserAdmin::Parts{stores.admin_users, stores.users, stores.tokens, stores.three_pids, accounts, devices, profiles,
                                            registration, config}},
      filters{stores.filters},
      local_room_visibility{stores.directory},
      remote_room_visibility{rpc, config.writers_of("public_rooms").front()},
      room_visibility{config.writes("public_rooms") ? static_cast<handlers::RoomVisibility&>(local_room_visibility) : remote_room_visibility},
      room_reader{stores.states, stores.events},
      membership{room_reader, events, stores.states, stores.profiles, stores.rooms, stores.account_data, clock, config},
      third_party_invites{room_reader, events, membership, stores.states, identity_servers, clock, config},
      directory{room_reader, stores.directory, events, room_visibility, clock, config.server_name},
      synapse_calls{events, stores.states, stores.rooms, config.server_name},
      create_room{events, membership, directory, room_visibility, clock, config},
      state_events{room_reader, events, membership, directory, clock},
      messages{room_reader, events, stores.events, stores.rooms, clock, config.server_name},
      public_rooms{stores.directory, stores.rooms, stores.events, clock, executor,
                   handlers::PublicRooms::Options{.enabled = config.enable_room_list_search}},
      room_upgrade{room_reader,     events,       create_room,      membership, room_visibility,
                   stores.events,   stores.rooms, stores.directory, clock,      config.server_name},
      registration_tokens{stores.registration_tokens},
      admin_tasks{stores.admin_tasks, executor},
      room_admin{stores.admin_rooms, stores.events, stores.states, room_reader, membership, events, config},
      room_removal{admin_tasks, stores.admin_rooms, stores.users, events, create_room, room_visibility, config},
      visibility{stores.events, stores.states, stores.erased_users},
      room_access{stores.events, stores.states},
      room_state_reader{stores.events, stores.states, room_access, visibility},
      event_reader{stores.events, stores.states, stores.account_data, visibility},
      message_pages{stores.events, stores.states, stores.account_data, room_access, visibility, streams.events},
      aggregations{stores.relations, stores.events, stores.states, stores.account_data, visibility},
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
      remote_writes{stores, receipts, rpc, config},
      account_data{stores.account_data, push_actions},
      tags{stores.account_data},
      push_rules{stores.push_rules, push_actions},
      upgraded_room_settings{stores.events, stores.states, stores.account_data, push_rules, config, executor},
      implied_receipts{executor, config.server_name, stores.events, stores.push_actions, receipts},
      pushers{stores.pushers, stores.three_pids, streams.events, config.email.is_set()},
      notifications{stores.push_queue, stores.events, clock},
      push_gateways{executor, http::AddressFilter{config.ip_range_blacklist, config.ip_range_whitelist}},
      push_sender{executor,
                  {clock, stores.pushers, stores.push_queue, stores.push_actions, stores.events, stores.states, streams.events,
                   streams.receipts},
                  {.self = config.instance_name.get(),
                   .instances = config.pushers(),
                   .include_content = config.push_include_content,
                   .count_rooms = config.push_count_rooms},
                  [this](std::string url, std::string body) { return post_json(push_gateways, std::move(url), std::move(body)); }},
      email_notifications{executor,
                          {clock, stores.pushers, stores.push_queue, stores.three_pids, stores.events, stores.states, streams.events, mailer},
                          email_options(config),
                          [this](const std::string& user_id) { return push_sender.is_for(user_id); }},
      appservice_feed{executor,
                      appservices,
                      appservice_client,
                      appservice_queries,
                      {clock, stores.appservices, stores.events, stores.states, stores.directory, stores.users, presence,
                       streams.events, streams.typing, streams.receipts, streams.presence}},
      appservice_rooms{stores.appservices},
      device_keys{stores.e2e_keys, stores.cross_signing, stores.devices, config.server_name},
      dehydrated_devices{stores.dehydrated_devices, stores.devices, stores.to_device, devices, device_keys},
      device_list_changes{stores.devices, stores.user_signatures, stores.events, stores.states, streams.events},
      cross_signing{stores.cross_signing, stores.e2e_keys, stores.devices, stores.user_signatures},
      room_key_backup{stores.room_keys},
      to_device{stores.to_device, clock, config.server_name},
      media{stores, config, clock, executor},
      notifier{executor,
               clock,
               stores.states,
               handlers::Notifier::Streams{streams.events, streams.typing, streams.receipts, streams.account_data, streams.tag_account_data,
                                           streams.push_rules, streams.to_device, streams.device_lists, streams.user_signature, streams.presence},
               config.presence_wake_interval_ms},
      sync{sync_sources(stores, streams, config, clock)},
      sliding_sync{sync_sources(stores, streams, config, clock), stores.sliding_sync, stores.room_recency, device_list_changes},
      old_sync{sync_sources(stores, streams, config, clock), message_pages, room_state_reader, room_access, event_reader, stores.directory},
      sync_filters{stores.filters, executor},
      config_{config},
      event_lease_{stores.event_lease ? &*stores.event_lease : nullptr} {
    connect_appservices(stores);
    presence.use_profiles(stores.profiles);
    profiles.on_changed([this](const std::string& user_id) { presence.profile_changed(user_id); });
    remote_writes.connect();
    upgraded_room_settings.follow(streams.events);
    devices.on_removed([&stores](std::string user_id, std::vector<std::string> device_ids) -> Task<void> {
        co_await stores.pushers.remove_of_devices(std::move(user_id), std::move(device_ids));
    });
    if (config.writes("federation")) federation.emplace(executor, clock, streams.federation);
    if (room_writer) {
        room_writer->on_stored([this](const std::vector<proto::EventPtr>& stored) { implied_receipts.note(stored); });
        stores.registry.add(
            storage::kRoomPurgedCache,
            [this](const std::vector<std::string>& keys) {
                if (!keys.empty()) room_writer->forget_room(keys.front());
            },
            [] {});
    }
    stores.e2e_keys.on_counts_changed([this](const std::string& user_id, const std::string&) { notifier.wake_user(user_id); });
    events.on_sent([this](const std::string& user_id) { presence.user_active(user_id); });
}

void Services::connect_appservices(Stores& stores) {
    authenticator.use_appservices(appservices, stores.users, stores.devices);
    registration.use_appservices(appservices);
    login.use_appservices(appservices);
    directory.use_appservices(appservices, appservice_queries);
    events.exempt([this](const std::string& user_id) { return appservices.is_unlimited(user_id); });
}

Task<void> Services::start() {
    if (config_.is_master()) {
        // A service may act in its own name without having registered it.
        for (const auto& service : appservices.all()) co_await registration.ensure_sender(service);
    }
    co_await push_sender.start();
    if (config_.email.is_set() && push_sender.takes_part()) email_notifications.start();
    if (config_.tells_appservices()) appservice_feed.start();
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
    events.serve(server);
    if (config_.writes("public_rooms")) handlers::serve_room_visibility(server, local_room_visibility);
    if (config_.writes("presence")) presence.serve(server);
    writer_commands.serve(server);
    remote_writes.serve(server);
    synapse_calls.serve(server);
    if (config_.is_master()) registration.serve(server);
}

Task<void> Services::resume() {
    co_await accounts.resume();
    co_await admin_tasks.resume();
}

Task<void> Services::stop(std::int64_t deadline_ms) {
    co_await admin_tasks.stop();
    co_await accounts.stop(deadline_ms);
    co_await profiles.stop(deadline_ms);
    if (room_writer) co_await room_writer->stop(deadline_ms);
    if (event_lease_) co_await event_lease_->stop();
    co_await appservice_feed.stop();
    co_await push_sender.stop();
    co_await email_notifications.stop();
    co_await presence.stop();
    co_await typing.stop();
    if (federation) co_await federation->stop();
    co_await user_directory.stop();
    co_await upgraded_room_settings.stop();
    co_await implied_receipts.stop();
    co_await delayed_events.stop();
    co_await notifier.stop();
    co_await client_ips.stop();
    co_await media.stop();
}

}  // namespace weft::workers
