#pragma once

#include <memory>
#include <optional>

#include "media_services.hpp"
#include "remote_writes.hpp"
#include "stores.hpp"
#include "streams.hpp"
#include "writer_commands.hpp"
#include "weft/core/async.hpp"
#include "weft/core/smtp.hpp"
#include "weft/handlers/accounts/account_status.hpp"
#include "weft/handlers/accounts/accounts.hpp"
#include "weft/handlers/accounts/authenticator.hpp"
#include "weft/handlers/accounts/client_ips.hpp"
#include "weft/handlers/accounts/devices.hpp"
#include "weft/handlers/accounts/filters.hpp"
#include "weft/handlers/accounts/interactive_auth.hpp"
#include "weft/handlers/accounts/login.hpp"
#include "weft/handlers/accounts/login_tokens.hpp"
#include "weft/handlers/accounts/open_id.hpp"
#include "weft/handlers/accounts/password_auth.hpp"
#include "weft/handlers/accounts/profiles.hpp"
#include "weft/handlers/accounts/registration.hpp"
#include "weft/handlers/accounts/sessions.hpp"
#include "weft/handlers/accounts/shared_secret_registration.hpp"
#include "weft/handlers/accounts/third_party_ids.hpp"
#include "weft/handlers/accounts/whois.hpp"
#include "weft/handlers/admin/admin_tasks.hpp"
#include "weft/handlers/admin/registration_tokens.hpp"
#include "weft/handlers/admin/room_admin.hpp"
#include "weft/handlers/admin/room_removal.hpp"
#include "weft/handlers/admin/user_admin.hpp"
#include "weft/handlers/appservice/appservice_feed.hpp"
#include "weft/handlers/appservice/network_rooms.hpp"
#include "weft/handlers/e2e/cross_signing.hpp"
#include "weft/handlers/e2e/dehydrated_devices.hpp"
#include "weft/handlers/e2e/device_keys.hpp"
#include "weft/handlers/e2e/device_list_changes.hpp"
#include "weft/handlers/e2e/room_key_backup.hpp"
#include "weft/handlers/e2e/to_device.hpp"
#include "weft/handlers/ephemeral/presence.hpp"
#include "weft/handlers/ephemeral/presence_status.hpp"
#include "weft/handlers/ephemeral/typing.hpp"
#include "weft/handlers/event_router.hpp"
#include "weft/handlers/federation/federation_queue.hpp"
#include "weft/handlers/push/email_notifications.hpp"
#include "weft/handlers/push/notifications.hpp"
#include "weft/handlers/push/push_sender.hpp"
#include "weft/handlers/push/pushers.hpp"
#include "weft/handlers/push_actions.hpp"
#include "weft/handlers/reading/aggregations.hpp"
#include "weft/handlers/reading/event_reader.hpp"
#include "weft/handlers/reading/message_pages.hpp"
#include "weft/handlers/reading/message_search.hpp"
#include "weft/handlers/reading/related_events.hpp"
#include "weft/handlers/reading/room_access.hpp"
#include "weft/handlers/reading/room_state_reader.hpp"
#include "weft/handlers/reading/visibility.hpp"
#include "weft/handlers/room_writer.hpp"
#include "weft/handlers/rooms/create_room.hpp"
#include "weft/handlers/rooms/delayed_events.hpp"
#include "weft/handlers/rooms/membership.hpp"
#include "weft/handlers/rooms/messages.hpp"
#include "weft/handlers/rooms/public_rooms.hpp"
#include "weft/handlers/rooms/reports.hpp"
#include "weft/handlers/rooms/room_directory.hpp"
#include "weft/handlers/rooms/room_previews.hpp"
#include "weft/handlers/rooms/room_reader.hpp"
#include "weft/handlers/rooms/room_upgrade.hpp"
#include "weft/handlers/rooms/room_visibility.hpp"
#include "weft/handlers/rooms/state_events.hpp"
#include "weft/handlers/rooms/third_party_invites.hpp"
#include "weft/handlers/sync/notifier.hpp"
#include "weft/handlers/sync/old_sync.hpp"
#include "weft/handlers/sync/sliding_sync.hpp"
#include "weft/handlers/sync/sync.hpp"
#include "weft/handlers/sync/sync_filters.hpp"
#include "weft/handlers/synapse_calls.hpp"
#include "weft/handlers/user_data/account_data.hpp"
#include "weft/handlers/user_directory.hpp"
#include "weft/handlers/user_data/push_rules.hpp"
#include "weft/handlers/user_data/implied_receipts.hpp"
#include "weft/handlers/user_data/receipts.hpp"
#include "weft/handlers/user_data/tags.hpp"
#include "weft/handlers/user_data/upgraded_room_settings.hpp"
#include "weft/http/web_client.hpp"
#include "weft/proto/crypto.hpp"
#include "weft/replication/rpc.hpp"

namespace weft::workers {

/// What a homeserver does, wired together: the same objects in every process, but for the writers of streams.
struct Services {
    Services(Stores& stores, Streams& streams, replication::RpcClient& rpc, const core::Config& config, const core::Clock& clock,
             const proto::SigningKey& key, asio::any_io_executor executor);

    /// Answers the calls of other processes that concern what this process writes.
    void serve(replication::RpcServer& server);
    /// Goes on with what was under way when the master ended; in the master.
    Task<void> resume();
    /// Start-up, once the process has caught up: what it does of its own accord begins.
    Task<void> start();
    /// Lets go of work in progress, in the order in which it depends on each other.
    Task<void> stop(std::int64_t deadline_ms);

    core::CpuPool cpu{2};
    handlers::StateResolver state_resolver;
    handlers::Appservices appservices;
    http::WebClient appservice_connections;
    handlers::AppserviceClient appservice_client;
    handlers::AppserviceQueries appservice_queries;
    handlers::PushActions push_actions;
    std::optional<handlers::RoomWriter> room_writer;  // only in processes that write the events stream
    handlers::EventRouter events;
    handlers::Authenticator authenticator;
    handlers::ClientIps client_ips;
    handlers::PasswordAuth passwords;
    handlers::Devices devices;
    handlers::Sessions sessions;
    core::SmtpMailer mailer;
    handlers::ThirdPartyIds third_party_ids;
    handlers::InteractiveAuth interactive_auth;
    handlers::Registration registration;
    handlers::SharedSecretRegistration shared_secret_registration;
    handlers::LoginTokens login_tokens;
    handlers::Login login;
    handlers::AccountStatus account_status;
    handlers::Whois whois;
    http::WebClient identity_connections;
    handlers::IdentityServers identity_servers;
    handlers::IdentityBindings identity_bindings;
    handlers::Accounts accounts;
    handlers::Profiles profiles;
    handlers::UserAdmin user_admin;
    handlers::Filters filters;
    handlers::LocalRoomVisibility local_room_visibility;
    handlers::RemoteRoomVisibility remote_room_visibility;
    handlers::RoomVisibility& room_visibility;
    handlers::RoomReader room_reader;
    handlers::Membership membership;
    handlers::ThirdPartyInvites third_party_invites;
    handlers::RoomDirectory directory;
    handlers::SynapseCalls synapse_calls;
    handlers::CreateRoom create_room;
    handlers::StateEvents state_events;
    handlers::Messages messages;
    handlers::PublicRooms public_rooms;
    handlers::RoomUpgrade room_upgrade;
    handlers::RegistrationTokens registration_tokens;
    handlers::AdminTasks admin_tasks;
    handlers::RoomAdmin room_admin;
    handlers::RoomRemoval room_removal;
    handlers::Visibility visibility;
    handlers::RoomAccess room_access;
    handlers::RoomStateReader room_state_reader;
    handlers::EventReader event_reader;
    handlers::MessagePages message_pages;
    handlers::Aggregations aggregations;
    handlers::RelatedEvents related_events;
    handlers::RoomPreviews room_previews;
    handlers::MessageSearch message_search;
    handlers::Reports reports;
    handlers::UserDirectory user_directory;
    handlers::DelayedEvents delayed_events;
    handlers::OpenId open_id;
    handlers::Typing typing;
    handlers::Presence presence;
    std::optional<handlers::FederationQueue> federation;  // only in the process that writes that stream
    WriterCommands writer_commands;
    handlers::PresenceStatus presence_status;
    handlers::Receipts receipts;
    RemoteWrites remote_writes;
    handlers::AccountData account_data;
    handlers::Tags tags;
    handlers::PushRules push_rules;
    handlers::UpgradedRoomSettings upgraded_room_settings;
    handlers::ImpliedReceipts implied_receipts;
    handlers::Pushers pushers;
    handlers::Notifications notifications;
    http::WebClient push_gateways;
    handlers::PushSender push_sender;
    handlers::EmailNotifications email_notifications;
    handlers::AppserviceFeed appservice_feed;
    handlers::NetworkRooms appservice_rooms;
    handlers::DeviceKeys device_keys;
    handlers::DehydratedDevices dehydrated_devices;
    handlers::DeviceListChanges device_list_changes;
    handlers::CrossSigning cross_signing;
    handlers::RoomKeyBackup room_key_backup;
    handlers::ToDevice to_device;
    MediaServices media;
    handlers::Notifier notifier;
    handlers::Sync sync;
    handlers::SlidingSync sliding_sync;
    handlers::OldSync old_sync;
    handlers::SyncFilters sync_filters;

private:
    void connect_appservices(Stores& stores);
    handlers::SyncSources sync_sources(Stores& stores, Streams& streams, const core::Config& config, const core::Clock& clock);

    const core::Config& config_;
    storage::EventLease* event_lease_;  // only in processes that write the events stream
};

}  // namespace weft::workers
