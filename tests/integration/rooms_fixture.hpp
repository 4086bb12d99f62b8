#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "postgres_fixture.hpp"
#include "weft/handlers/event_router.hpp"
#include "weft/handlers/push_actions.hpp"
#include "weft/handlers/room_writer.hpp"
#include "weft/handlers/rooms/create_room.hpp"
#include "weft/handlers/rooms/delayed_events.hpp"
#include "weft/handlers/rooms/membership.hpp"
#include "weft/handlers/rooms/messages.hpp"
#include "weft/handlers/rooms/public_rooms.hpp"
#include "weft/handlers/rooms/room_directory.hpp"
#include "weft/handlers/rooms/room_reader.hpp"
#include "weft/handlers/rooms/room_upgrade.hpp"
#include "weft/handlers/rooms/room_visibility.hpp"
#include "weft/handlers/rooms/state_events.hpp"
#include "weft/handlers/rooms/third_party_invites.hpp"
#include "weft/http/router.hpp"
#include "weft/proto/json.hpp"
#include "weft/rest/client/create_room.hpp"
#include "weft/rest/client/directory.hpp"
#include "weft/rest/client/membership.hpp"
#include "weft/rest/client/public_rooms.hpp"
#include "weft/rest/client/room_state.hpp"
#include "weft/rest/client/room_upgrade.hpp"
#include "weft/rest/client/send.hpp"
#include "weft/storage/push_rule_store.hpp"

namespace weft::test {

/// What a request was answered with.
struct Answer {
    int status = 0;
    boost::json::object body;

    std::string text(std::string_view key) const {
        return std::string{proto::get_string(body, key).value_or("")};
    }
    std::string errcode() const { return text("errcode"); }
};

/// One process that serves the endpoints about rooms, on a database of its own. The access token of a user is
/// their ID, with `/guest` or `/admin` behind it where they are that.
class RoomsFixture {
public:
    explicit RoomsFixture(core::Config wanted = roomy_config());

    /// Limits that no test meets by accident.
    static core::Config roomy_config();

    Answer call(http::Method method, const std::string& token, std::string path, std::string body = "{}");
    Answer get(const std::string& token, std::string path) {
        return call(http::Method::kGet, token, std::move(path), "");
    }
    Answer post(const std::string& token, std::string path, std::string body = "{}") {
        return call(http::Method::kPost, token, std::move(path), std::move(body));
    }
    Answer put(const std::string& token, std::string path, std::string body = "{}") {
        return call(http::Method::kPut, token, std::move(path), std::move(body));
    }
    Answer remove(const std::string& token, std::string path) {
        return call(http::Method::kDelete, token, std::move(path), "");
    }

    /// The same request of two users at the same time.
    std::pair<Answer, Answer> post_both(const std::string& one, const std::string& two,
                                        const std::string& path, const std::string& body);

    /// The room's ID; fails the test if it is not made.
    std::string create_room(const std::string& token, std::string body = "{}");
    /// Content of a state event, empty if there is none.
    boost::json::object state(const std::string& room_id, std::string_view type,
                              std::string_view state_key = {});
    proto::EventPtr event(const std::string& event_id);
    std::string membership(const std::string& room_id, const std::string& user_id);
    /// Types of all events of the room, oldest first.
    std::vector<std::string> timeline(const std::string& room_id);

    StorageFixture storage;
    core::Config config;
    storage::StreamState& events_stream;
    storage::StreamState& backfill_stream;
    storage::EventsStore events;
    storage::StateStore states;
    storage::ProfileStore profiles;
    std::pair<storage::StreamState*, storage::StreamState*> account_streams;
    storage::AccountDataStore account_data_store;
    storage::RoomDirectoryStore directory_store;
    storage::RoomStore room_store;
    storage::PushRuleStore push_rules;
    storage::EventWriterStore event_writers;
    storage::EventLease lease;
    storage::PersistEventsStore persist;
    handlers::PushActions push_actions;
    storage::AuthChains auth_chains;
    core::CpuPool cpu{1};
    handlers::StateResolver resolver;
    handlers::RoomWriter writer;
    replication::RpcClient rpc;
    handlers::EventRouter sender;
    handlers::RoomReader reader;
    handlers::LocalRoomVisibility visibility;
    handlers::Membership memberships;
    /// What identity servers answer; none by default.
    std::function<http::Response(const handlers::IdentityServers::Call&)> identity_server;
    handlers::IdentityServers identity_servers;
    handlers::ThirdPartyInvites third_party_invites;
    handlers::RoomDirectory directory;
    handlers::CreateRoom creation;
    handlers::Messages messages;
    handlers::StateEvents state_events;
    storage::DelayedEventStore delayed_store;
    handlers::DelayedEvents delayed_events;
    handlers::PublicRooms public_rooms;
    handlers::RoomUpgrade upgrade;
    rest::CreateRoomEndpoints creation_endpoints;
    rest::MembershipEndpoints membership_endpoints;
    rest::RoomStateEndpoints state_endpoints;
    rest::SendEndpoints send_endpoints;
    rest::DirectoryEndpoints directory_endpoints;
    rest::PublicRoomsEndpoints public_rooms_endpoints;
    rest::RoomUpgradeEndpoints upgrade_endpoints;
    http::Router router;
};

}  // namespace weft::test
