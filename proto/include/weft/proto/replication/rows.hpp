#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "weft/core/result.hpp"

/// The row of each stream: a JSON array on the wire. parse(to_json(row)) == row, always.
namespace weft::proto::replication {

namespace json = boost::json;

/// events, `["ev", [...]]`: an event became visible. `["state", [...]]`, see EventsStateRow, is the other
/// kind.
struct EventsEventRow {
    static constexpr std::string_view kStream = "events";
    std::string event_id;
    std::string room_id;
    std::string type;
    std::optional<std::string> state_key;
    std::optional<std::string> redacts;
    std::optional<std::string> relates_to;
    json::value to_json() const;
    bool operator==(const EventsEventRow&) const = default;
};

/// events, `["state", [...]]`: an entry of a room's current state changed; without `event_id` it was removed.
struct EventsStateRow {
    static constexpr std::string_view kStream = "events";
    std::string room_id;
    std::string type;
    std::string state_key;
    std::optional<std::string> event_id;
    json::value to_json() const;
    bool operator==(const EventsStateRow&) const = default;
};

using EventsRow = std::variant<EventsEventRow, EventsStateRow>;
core::Result<EventsRow> parse_events_row(const json::value& row);

struct BackfillRow {
    static constexpr std::string_view kStream = "backfill";
    std::string event_id;
    std::string room_id;
    std::string type;
    std::optional<std::string> state_key;
    std::optional<std::string> redacts;
    std::optional<std::string> relates_to;
    json::value to_json() const;
    static core::Result<BackfillRow> parse(const json::value& row);
    bool operator==(const BackfillRow&) const = default;
};

struct PresenceRow {
    static constexpr std::string_view kStream = "presence";
    std::string user_id;
    std::string state;
    std::int64_t last_active_ts = 0;
    std::int64_t last_federation_update_ts = 0;
    std::int64_t last_user_sync_ts = 0;
    std::optional<std::string> status_msg;
    bool currently_active = false;
    json::value to_json() const;
    static core::Result<PresenceRow> parse(const json::value& row);
    bool operator==(const PresenceRow&) const = default;
};

/// Everybody who is typing in a room now; may be nobody.
struct TypingRow {
    static constexpr std::string_view kStream = "typing";
    std::string room_id;
    std::vector<std::string> user_ids;
    json::value to_json() const;
    static core::Result<TypingRow> parse(const json::value& row);
    bool operator==(const TypingRow&) const = default;
};

struct ReceiptsRow {
    static constexpr std::string_view kStream = "receipts";
    std::string room_id;
    std::string receipt_type;
    std::string user_id;
    std::string event_id;
    json::object data;
    json::value to_json() const;
    static core::Result<ReceiptsRow> parse(const json::value& row);
    bool operator==(const ReceiptsRow&) const = default;
};

struct PushRulesRow {
    static constexpr std::string_view kStream = "push_rules";
    std::string user_id;
    json::value to_json() const;
    static core::Result<PushRulesRow> parse(const json::value& row);
    bool operator==(const PushRulesRow&) const = default;
};

struct PushersRow {
    static constexpr std::string_view kStream = "pushers";
    std::string user_id;
    std::string app_id;
    std::string push_key;
    bool deleted = false;
    json::value to_json() const;
    static core::Result<PushersRow> parse(const json::value& row);
    bool operator==(const PushersRow&) const = default;
};

/// A cache entry is stale. Without keys the whole cache is.
struct CachesRow {
    static constexpr std::string_view kStream = "caches";
    /// The pseudo cache that stands for everything derived from a room's current state.
    static constexpr std::string_view kCurrentState = "cs_cache_fake";
    /// More members than this do not fit a line.
    static constexpr std::size_t kMembersPerRowMax = 50;

    std::string cache;
    std::optional<std::vector<std::string>> keys;
    std::int64_t invalidation_ts = 0;

    /// The rows that say: the current state of `room_id` changed, `members` joined or left. Never empty.
    static std::vector<CachesRow> current_state_changed(const std::string& room_id,
                                                        const std::vector<std::string>& members,
                                                        std::int64_t now_ms);
    json::value to_json() const;
    static core::Result<CachesRow> parse(const json::value& row);
    bool operator==(const CachesRow&) const = default;
};

struct PublicRoomsRow {
    static constexpr std::string_view kStream = "public_rooms";
    std::string room_id;
    bool visible = false;
    std::optional<std::string> appservice_id;
    std::optional<std::string> network_id;
    json::value to_json() const;
    static core::Result<PublicRoomsRow> parse(const json::value& row);
    bool operator==(const PublicRoomsRow&) const = default;
};

/// The devices of a user changed, or something is to be sent to a host.
struct DeviceListsRow {
    static constexpr std::string_view kStream = "device_lists";
    std::string entity;
    bool is_user() const { return entity.starts_with('@'); }
    json::value to_json() const;
    static core::Result<DeviceListsRow> parse(const json::value& row);
    bool operator==(const DeviceListsRow&) const = default;
};

/// A to-device message waits for a user, or for a host.
struct ToDeviceRow {
    static constexpr std::string_view kStream = "to_device";
    std::string entity;
    bool is_user() const { return entity.starts_with('@'); }
    json::value to_json() const;
    static core::Result<ToDeviceRow> parse(const json::value& row);
    bool operator==(const ToDeviceRow&) const = default;
};

/// Something the federation sender has to send: `p` presence, `pd` presence to hosts, `k` keyed EDU, `e` EDU.
/// The data of each is a type of its own, see FederationItem; a type that is not known is passed on.
struct FederationRow {
    static constexpr std::string_view kStream = "federation";
    std::string type;
    json::value data;
    json::value to_json() const;
    static core::Result<FederationRow> parse(const json::value& row);
    bool operator==(const FederationRow&) const = default;
};

/// A local user's presence, for all servers that share a room.
struct FederationPresence {
    static constexpr std::string_view kType = "p";
    PresenceRow state;
    FederationRow to_row() const;
    static core::Result<FederationPresence> parse(const json::value& data);
    bool operator==(const FederationPresence&) const = default;
};

/// A user's presence for these servers, as after a join.
struct FederationPresenceTo {
    static constexpr std::string_view kType = "pd";
    PresenceRow state;
    std::vector<std::string> hosts;
    FederationRow to_row() const;
    static core::Result<FederationPresenceTo> parse(const json::value& data);
    bool operator==(const FederationPresenceTo&) const = default;
};

/// An ephemeral message for one server.
struct FederationEdu {
    static constexpr std::string_view kType = "e";
    std::string edu_type;
    json::object content;
    std::string origin;
    std::string destination;
    FederationRow to_row() const;
    static core::Result<FederationEdu> parse(const json::value& data);
    bool operator==(const FederationEdu&) const = default;
};

/// One that replaces an earlier one for the same server with the same key.
struct FederationKeyedEdu {
    static constexpr std::string_view kType = "k";
    std::vector<std::string> key;
    FederationEdu edu;
    FederationRow to_row() const;
    static core::Result<FederationKeyedEdu> parse(const json::value& data);
    bool operator==(const FederationKeyedEdu&) const = default;
};

using FederationItem =
    std::variant<FederationPresence, FederationPresenceTo, FederationKeyedEdu, FederationEdu>;
/// Reads the data of a row; fails for an unknown type too.
core::Result<FederationItem> parse_federation_item(const FederationRow& row);

/// A room's tags of a user. `tags_json` is a JSON object as text.
struct TagAccountDataRow {
    static constexpr std::string_view kStream = "tag_account_data";
    std::string user_id;
    std::string room_id;
    std::string tags_json;
    json::value to_json() const;
    static core::Result<TagAccountDataRow> parse(const json::value& row);
    bool operator==(const TagAccountDataRow&) const = default;
};

/// Account data of a user changed; without a room the global one.
struct AccountDataRow {
    static constexpr std::string_view kStream = "account_data";
    std::string user_id;
    std::optional<std::string> room_id;
    std::string data_type;
    json::value to_json() const;
    static core::Result<AccountDataRow> parse(const json::value& row);
    bool operator==(const AccountDataRow&) const = default;
};

struct GroupsRow {
    static constexpr std::string_view kStream = "groups";
    std::string group_id;
    std::string user_id;
    std::string type;
    json::object content;
    json::value to_json() const;
    static core::Result<GroupsRow> parse(const json::value& row);
    bool operator==(const GroupsRow&) const = default;
};

struct UserSignatureRow {
    static constexpr std::string_view kStream = "user_signature";
    std::string user_id;
    json::value to_json() const;
    static core::Result<UserSignatureRow> parse(const json::value& row);
    bool operator==(const UserSignatureRow&) const = default;
};

/// A row of any stream.
using StreamRow =
    std::variant<EventsEventRow, EventsStateRow, BackfillRow, PresenceRow, TypingRow, ReceiptsRow,
                 PushRulesRow, PushersRow, CachesRow, PublicRoomsRow, DeviceListsRow, ToDeviceRow,
                 FederationRow, TagAccountDataRow, AccountDataRow, GroupsRow, UserSignatureRow>;
/// Reads a row of the stream `stream`; fails for an unknown stream too.
core::Result<StreamRow> parse_row(std::string_view stream, const json::value& row);
json::value row_to_json(const StreamRow& row);

}  // namespace weft::proto::replication
