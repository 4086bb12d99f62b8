#include "client_api.hpp"

#include "weft/workers/version.hpp"

namespace weft::workers {

ClientApi::ClientApi(Services& services, const core::Config& config, const core::Clock& clock)
    : admin_register_{services.shared_secret_registration, config},
      admin_rooms_{services.room_admin, services.room_removal, services.admin_tasks, services.directory},
      admin_server_{services.registration_tokens, std::string{kVersion}},
      admin_users_{services.user_admin, services.devices, services.membership, services.account_status, services.registration},
      account_{services.accounts, services.third_party_ids, services.interactive_auth},
      create_room_{services.create_room, services.third_party_invites},
      devices_{services.devices, services.interactive_auth},
      directory_{services.directory},
      filter_{services.filters},
      login_{services.login, services.login_tokens, services.sessions, services.third_party_ids, services.interactive_auth, config},
      membership_{services.membership, services.directory, services.third_party_invites},
      moderation_{services.account_status, services.whois},
      profile_{services.profiles, config},
      public_rooms_{services.public_rooms, config.server_name},
      register_{services.registration, config},
      room_state_{services.state_events, services.delayed_events},
      room_upgrade_{services.room_upgrade},
      send_{services.messages, services.delayed_events},
      server_info_{config},
      sync_{services.sync, services.sync_filters},
      third_party_ids_{services.third_party_ids, services.identity_bindings, services.interactive_auth},
      sliding_sync_{services.sliding_sync},
      event_reading_{services.event_reader, services.aggregations, clock},
      members_{services.room_state_reader, clock},
      messages_{services.message_pages, services.aggregations, clock},
      relations_{services.related_events, services.aggregations, clock},
      room_previews_{services.room_previews, services.directory},
      search_{services.message_search, services.aggregations, clock},
      reports_{services.reports},
      delayed_events_{services.delayed_events},
      open_id_{services.open_id},
      voip_{config, clock},
      old_sync_{services.old_sync, services.aggregations, clock},
      user_directory_{services.user_directory},
      state_reading_{services.room_state_reader, clock},
      typing_{services.typing, services.presence},
      receipts_{services.receipts},
      presence_{services.presence_status},
      account_data_{services.account_data},
      tags_{services.tags},
      push_rules_{services.push_rules},
      push_{services.pushers, services.notifications},
      appservice_{services.appservices, services.appservice_queries, services.appservice_rooms},
      keys_{services.device_keys, services.device_list_changes},
      dehydrated_devices_{services.dehydrated_devices},
      cross_signing_{services.cross_signing, services.interactive_auth},
      room_keys_{services.room_key_backup},
      to_device_{services.to_device},
      media_{services.media.repository, config},
      url_previews_{services.media.previews, config, clock},
      admin_media_{services.media.admin, config} {}

void ClientApi::register_on(http::Router& router) {
    admin_register_.register_on(router);
    admin_rooms_.register_on(router);
    admin_server_.register_on(router);
    admin_users_.register_on(router);
    account_.register_on(router);
    create_room_.register_on(router);
    devices_.register_on(router);
    directory_.register_on(router);
    filter_.register_on(router);
    login_.register_on(router);
    membership_.register_on(router);
    moderation_.register_on(router);
    profile_.register_on(router);
    public_rooms_.register_on(router);
    register_.register_on(router);
    room_state_.register_on(router);
    room_upgrade_.register_on(router);
    send_.register_on(router);
    server_info_.register_on(router);
    single_sign_on_.register_on(router);
    sync_.register_on(router);
    third_party_ids_.register_on(router);
    sliding_sync_.register_on(router);
    event_reading_.register_on(router);
    members_.register_on(router);
    messages_.register_on(router);
    relations_.register_on(router);
    room_previews_.register_on(router);
    search_.register_on(router);
    reports_.register_on(router);
    delayed_events_.register_on(router);
    open_id_.register_on(router);
    voip_.register_on(router);
    old_sync_.register_on(router);
    user_directory_.register_on(router);
    state_reading_.register_on(router);
    typing_.register_on(router);
    receipts_.register_on(router);
    presence_.register_on(router);
    account_data_.register_on(router);
    tags_.register_on(router);
    push_rules_.register_on(router);
    push_.register_on(router);
    appservice_.register_on(router);
    keys_.register_on(router);
    dehydrated_devices_.register_on(router);
    cross_signing_.register_on(router);
    room_keys_.register_on(router);
    to_device_.register_on(router);
    media_.register_on(router);
    url_previews_.register_on(router);
    admin_media_.register_on(router);
}

}  // namespace weft::workers
