#pragma once

#include "services.hpp"
#include "weft/http/router.hpp"
#include "weft/rest/admin/media.hpp"
#include "weft/rest/admin/register.hpp"
#include "weft/rest/admin/rooms.hpp"
#include "weft/rest/admin/server.hpp"
#include "weft/rest/admin/users.hpp"
#include "weft/rest/client/account.hpp"
#include "weft/rest/client/account_data.hpp"
#include "weft/rest/client/appservice.hpp"
#include "weft/rest/client/create_room.hpp"
#include "weft/rest/client/cross_signing.hpp"
#include "weft/rest/client/dehydrated_devices.hpp"
#include "weft/rest/client/delayed_events.hpp"
#include "weft/rest/client/devices.hpp"
#include "weft/rest/client/directory.hpp"
#include "weft/rest/client/event_reading.hpp"
#include "weft/rest/client/filter.hpp"
#include "weft/rest/client/keys.hpp"
#include "weft/rest/client/login.hpp"
#include "weft/rest/client/members.hpp"
#include "weft/rest/client/membership.hpp"
#include "weft/rest/client/messages.hpp"
#include "weft/rest/client/moderation.hpp"
#include "weft/rest/client/old_sync.hpp"
#include "weft/rest/client/open_id.hpp"
#include "weft/rest/client/presence.hpp"
#include "weft/rest/client/profile.hpp"
#include "weft/rest/client/public_rooms.hpp"
#include "weft/rest/client/push.hpp"
#include "weft/rest/client/push_rules.hpp"
#include "weft/rest/client/receipts.hpp"
#include "weft/rest/client/register.hpp"
#include "weft/rest/client/relations.hpp"
#include "weft/rest/client/reports.hpp"
#include "weft/rest/client/room_keys.hpp"
#include "weft/rest/client/room_previews.hpp"
#include "weft/rest/client/room_state.hpp"
#include "weft/rest/client/room_upgrade.hpp"
#include "weft/rest/client/search.hpp"
#include "weft/rest/client/send.hpp"
#include "weft/rest/client/server_info.hpp"
#include "weft/rest/client/single_sign_on.hpp"
#include "weft/rest/client/sliding_sync.hpp"
#include "weft/rest/client/state_reading.hpp"
#include "weft/rest/client/sync.hpp"
#include "weft/rest/client/tags.hpp"
#include "weft/rest/client/third_party_ids.hpp"
#include "weft/rest/client/to_device.hpp"
#include "weft/rest/client/typing.hpp"
#include "weft/rest/media/media.hpp"
#include "weft/rest/media/url_preview.hpp"
#include "weft/rest/client/user_directory.hpp"
#include "weft/rest/client/voip.hpp"

namespace weft::workers {

/// The endpoints that clients reach. Every process serves all of them, so no request is ever refused because of where the
/// proxy sent it; which kind of worker the proxy should choose stands in each endpoint's row.
class ClientApi {
public:
    ClientApi(Services& services, const core::Config& config, const core::Clock& clock);
    void register_on(http::Router& router);

private:
    rest::AdminRegisterEndpoints admin_register_;
    rest::AdminRoomEndpoints admin_rooms_;
    rest::AdminServerEndpoints admin_server_;
    rest::AdminUserEndpoints admin_users_;
    rest::AccountEndpoints account_;
    rest::CreateRoomEndpoints create_room_;
    rest::DevicesEndpoints devices_;
    rest::DirectoryEndpoints directory_;
    rest::FilterEndpoints filter_;
    rest::LoginEndpoints login_;
    rest::MembershipEndpoints membership_;
    rest::ModerationEndpoints moderation_;
    rest::ProfileEndpoints profile_;
    rest::PublicRoomsEndpoints public_rooms_;
    rest::RegisterEndpoints register_;
    rest::RoomStateEndpoints room_state_;
    rest::RoomUpgradeEndpoints room_upgrade_;
    rest::SendEndpoints send_;
    rest::ServerInfoEndpoints server_info_;
    rest::SingleSignOnEndpoints single_sign_on_;
    rest::SyncEndpoints sync_;
    rest::ThirdPartyIdEndpoints third_party_ids_;
    rest::SlidingSyncEndpoints sliding_sync_;
    rest::EventReadingEndpoints event_reading_;
    rest::MembersEndpoints members_;
    rest::MessagesEndpoints messages_;
    rest::RelationsEndpoints relations_;
    rest::RoomPreviewEndpoints room_previews_;
    rest::SearchEndpoints search_;
    rest::ReportEndpoints reports_;
    rest::DelayedEventEndpoints delayed_events_;
    rest::OpenIdEndpoints open_id_;
    rest::VoipEndpoints voip_;
    rest::OldSyncEndpoints old_sync_;
    rest::UserDirectoryEndpoints user_directory_;
    rest::StateReadingEndpoints state_reading_;
    rest::TypingEndpoints typing_;
    rest::ReceiptEndpoints receipts_;
    rest::PresenceEndpoints presence_;
    rest::AccountDataEndpoints account_data_;
    rest::TagEndpoints tags_;
    rest::PushRuleEndpoints push_rules_;
    rest::PushEndpoints push_;
    rest::AppserviceEndpoints appservice_;
    rest::KeysEndpoints keys_;
    rest::DehydratedDeviceEndpoints dehydrated_devices_;
    rest::CrossSigningEndpoints cross_signing_;
    rest::RoomKeysEndpoints room_keys_;
    rest::ToDeviceEndpoints to_device_;
    rest::MediaEndpoints media_;
    rest::UrlPreviewEndpoints url_previews_;
    rest::AdminMediaEndpoints admin_media_;
};

}  // namespace weft::workers
