#pragma once

#include <memory>
#include <optional>

#include "streams.hpp"
#include "weft/core/config.hpp"
#include "weft/storage/access_token_store.hpp"
#include "weft/storage/account_data_store.hpp"
#include "weft/storage/admin_room_store.hpp"
#include "weft/storage/admin_task_store.hpp"
#include "weft/storage/admin_user_store.hpp"
#include "weft/storage/auth_chains.hpp"
#include "weft/storage/appservice_store.hpp"
#include "weft/storage/cache_stream_writer.hpp"
#include "weft/storage/client_ip_store.hpp"
#include "weft/storage/cross_signing_store.hpp"
#include "weft/storage/database.hpp"
#include "weft/storage/dehydrated_device_store.hpp"
#include "weft/storage/delayed_event_store.hpp"
#include "weft/storage/device_store.hpp"
#include "weft/storage/e2e_key_store.hpp"
#include "weft/storage/events_store.hpp"
#include "weft/storage/erased_user_store.hpp"
#include "weft/storage/event_lease.hpp"
#include "weft/storage/event_writer_store.hpp"
#include "weft/storage/filter_store.hpp"
#include "weft/storage/group_update_store.hpp"
#include "weft/storage/media_store.hpp"
#include "weft/storage/login_token_store.hpp"
#include "weft/storage/open_id_store.hpp"
#include "weft/storage/persist_events_store.hpp"
#include "weft/storage/presence_store.hpp"
#include "weft/storage/profile_store.hpp"
#include "weft/storage/push_action_store.hpp"
#include "weft/storage/push_queue_store.hpp"
#include "weft/storage/push_rule_store.hpp"
#include "weft/storage/pusher_store.hpp"
#include "weft/storage/receipt_store.hpp"
#include "weft/storage/refresh_token_store.hpp"
#include "weft/storage/registration_token_store.hpp"
#include "weft/storage/relation_store.hpp"
#include "weft/storage/report_store.hpp"
#include "weft/storage/room_directory_store.hpp"
#include "weft/storage/room_key_store.hpp"
#include "weft/storage/room_recency_store.hpp"
#include "weft/storage/room_store.hpp"
#include "weft/storage/search_store.hpp"
#include "weft/storage/sliding_sync_store.hpp"
#include "weft/storage/state_store.hpp"
#include "weft/storage/three_pid_store.hpp"
#include "weft/storage/to_device_store.hpp"
#include "weft/storage/ui_auth_session_store.hpp"
#include "weft/storage/user_directory_store.hpp"
#include "weft/storage/user_signature_store.hpp"
#include "weft/storage/user_store.hpp"

namespace weft::workers {

/// The data stores of a process. The order matters: what a stream row invalidates in one store may be looked up by the next.
struct Stores {
    Stores(storage::Databases databases, Streams& streams, const core::Config& config, const core::Clock& clock, asio::any_io_executor executor);

    storage::CacheRegistry registry;
    storage::CacheStreamWriter caches;
    storage::StoreContext context;
    storage::EventsStore events;
    storage::StateStore states;
    storage::AuthChains auth_chains;
    storage::RelationStore relations;
    storage::RoomRecencyStore room_recency;
    storage::SlidingSyncStore sliding_sync;
    storage::DelayedEventStore delayed_events;
    storage::OpenIdStore open_ids;
    storage::SearchStore search;
    storage::ReportStore reports;
    storage::UserDirectoryStore user_directory;
    storage::UserStore users;
    storage::AccessTokenStore tokens;
    storage::RefreshTokenStore refresh_tokens;
    storage::LoginTokenStore login_tokens;
    storage::AdminUserStore admin_users;
    storage::ErasedUserStore erased_users;
    storage::AdminRoomStore admin_rooms;
    storage::AdminTaskStore admin_tasks;
    storage::RegistrationTokenStore registration_tokens;
    storage::ThreePidStore three_pids;
    storage::UiAuthSessionStore ui_auth_sessions;
    storage::ClientIpStore client_ips;
    storage::ProfileStore profiles;
    storage::DeviceStore devices;
    storage::DehydratedDeviceStore dehydrated_devices;
    storage::UserSignatureStore user_signatures;
    storage::E2eKeyStore e2e_keys;
    storage::CrossSigningStore cross_signing;
    storage::RoomKeyStore room_keys;
    storage::MediaStore media;
    storage::UrlPreviewStore url_previews;
    storage::FilterStore filters;
    storage::AccountDataStore account_data;
    storage::ReceiptStore receipts;
    storage::PresenceStore presence;
    storage::PushRuleStore push_rules;
    storage::PusherStore pushers;
    storage::PushActionStore push_actions;
    storage::PushQueueStore push_queue;
    storage::ToDeviceStore to_device;
    storage::RoomDirectoryStore directory;
    storage::RoomStore rooms;
    storage::GroupUpdateStore groups;
    storage::EventWriterStore event_writers;
    storage::AppserviceStore appservices;
    /// Only in processes that write the events stream: elsewhere there is no object to misuse.
    std::optional<storage::EventLease> event_lease;
    std::optional<storage::PersistEventsStore> persist;
};

}  // namespace weft::workers
