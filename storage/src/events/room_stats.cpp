#include "events/room_stats.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>

#include "weft/proto/event_types.hpp"

namespace weft::storage {
namespace {

using OptionalTexts = std::vector<std::optional<std::string>>;

// Whoever is in the room or invited, by what changed; a room that has no row yet is counted once.
constexpr Sql kCounts{
    "update_room_stats",
    "WITH was AS (SELECT count(*) FILTER (WHERE membership = 'invite') AS invited, count(*) FILTER (WHERE "
    "membership = 'leave') AS gone, "
    "count(*) FILTER (WHERE membership = 'ban') AS banned FROM room_memberships WHERE event_id = "
    "ANY($2::text[])), "
    "is_now AS (SELECT count(*) FILTER (WHERE m = 'invite') AS invited, count(*) FILTER (WHERE m = 'leave') AS "
    "gone, "
    "count(*) FILTER (WHERE m = 'ban') AS banned FROM unnest($3::text[]) AS t(m)), "
    "changed AS (UPDATE room_stats_current s SET current_state_events = $4::int, joined_members = $5::int, "
    "local_users_in_room = $6::int, "
    "invited_members = s.invited_members + is_now.invited - was.invited, left_members = s.left_members + "
    "is_now.gone - was.gone, "
    "banned_members = s.banned_members + is_now.banned - was.banned, completed_delta_stream_id = $7::bigint "
    "FROM was, is_now WHERE s.room_id = $1 RETURNING 1) "
    "INSERT INTO room_stats_current (room_id, current_state_events, joined_members, local_users_in_room, "
    "invited_members, left_members, "
    "banned_members, completed_delta_stream_id) SELECT $1, $4::int, $5::int, $6::int, count(*) FILTER (WHERE "
    "membership = 'invite'), "
    "count(*) FILTER (WHERE membership = 'leave'), count(*) FILTER (WHERE membership = 'ban'), $7::bigint "
    "FROM current_state_events "
    "WHERE room_id = $1 AND type = 'm.room.member' AND NOT EXISTS (SELECT 1 FROM changed) HAVING NOT EXISTS "
    "(SELECT 1 FROM changed)"};

constexpr Sql kEventBodies{"event_bodies",
                           "SELECT event_id, json FROM event_json WHERE event_id = ANY($1::text[])"};

// Columns whose number is in the last parameter; the others stay.
constexpr Sql kDescription{
    "update_room_stats_state",
    "INSERT INTO room_stats_state AS s (room_id, name, canonical_alias, join_rules, history_visibility, "
    "encryption, avatar, guest_access, "
    "topic, is_federatable) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::boolean) ON CONFLICT (room_id) "
    "DO UPDATE SET "
    "name = CASE WHEN 0 = ANY($11::bigint[]) THEN excluded.name ELSE s.name END, "
    "canonical_alias = CASE WHEN 1 = ANY($11::bigint[]) THEN excluded.canonical_alias ELSE s.canonical_alias "
    "END, "
    "join_rules = CASE WHEN 2 = ANY($11::bigint[]) THEN excluded.join_rules ELSE s.join_rules END, "
    "history_visibility = CASE WHEN 3 = ANY($11::bigint[]) THEN excluded.history_visibility ELSE "
    "s.history_visibility END, "
    "encryption = CASE WHEN 4 = ANY($11::bigint[]) THEN excluded.encryption ELSE s.encryption END, "
    "avatar = CASE WHEN 5 = ANY($11::bigint[]) THEN excluded.avatar ELSE s.avatar END, "
    "guest_access = CASE WHEN 6 = ANY($11::bigint[]) THEN excluded.guest_access ELSE s.guest_access END, "
    "topic = CASE WHEN 7 = ANY($11::bigint[]) THEN excluded.topic ELSE s.topic END, "
    "is_federatable = CASE WHEN 8 = ANY($11::bigint[]) THEN excluded.is_federatable ELSE s.is_federatable "
    "END"};

struct Described {
    std::string_view type;
    std::string_view member;  // of the content
};
constexpr std::array kDescribed{
    Described{proto::event_type::kName, "name"},
    Described{proto::event_type::kCanonicalAlias, "alias"},
    Described{proto::event_type::kJoinRules, "join_rule"},
    Described{proto::event_type::kHistoryVisibility, "history_visibility"},
    Described{proto::event_type::kEncryption, "algorithm"},
    Described{proto::event_type::kAvatar, "url"},
    Described{proto::event_type::kGuestAccess, "guest_access"},
    Described{proto::event_type::kTopic, "topic"},
    Described{proto::event_type::kCreate, "m.federate"},
};

std::optional<std::size_t> column_of(const proto::StateKey& key) {
    if (!key.state_key().empty()) return std::nullopt;
    const auto found = std::find_if(kDescribed.begin(), kDescribed.end(),
                                    [&](const auto& one) { return one.type == key.type(); });
    if (found == kDescribed.end()) return std::nullopt;
    return static_cast<std::size_t>(found - kDescribed.begin());
}

std::optional<std::string> value_of(const Described& described, const boost::json::object& content) {
    if (described.type == proto::event_type::kCreate)
        return proto::get_bool(content, described.member) == false ? "f" : "t";
    const auto text = proto::get_string(content, described.member);
    if (!text) return std::nullopt;
    std::string value{*text};
    std::erase(value, '\0');
    return value;
}

/// Contents of the events by ID: most are part of the batch, others come with the state that a fork was
/// resolved to.
std::unordered_map<proto::EventId, boost::json::object> contents(Transaction& txn,
                                                                 const std::vector<proto::EventId>& ids,
                                                                 const std::vector<proto::EventPtr>& events) {
    std::unordered_map<proto::EventId, boost::json::object> out;
    std::vector<std::string> stored;
    for (const auto& id : ids) {
        const auto found = std::find_if(events.begin(), events.end(),
                                        [&](const auto& event) { return event->event_id() == id; });
        if (found == events.end()) {
            stored.push_back(id.str());
        } else {
            out.emplace(id, (*found)->content());
        }
    }
    if (stored.empty()) return out;
    for (const auto row : txn.exec(kEventBodies, stored)) {
        const auto body = proto::parse_json_object(row[1].view());
        const auto* content = body ? proto::get_object(*body, "content") : nullptr;
        out.emplace(proto::EventId::trusted(row[0].str()), content ? *content : boost::json::object{});
    }
    return out;
}

void write_description(Transaction& txn, const PersistBatch& batch,
                       const std::vector<proto::EventPtr>& events) {
    std::vector<std::int64_t> columns;
    std::vector<proto::EventId> ids;
    for (const auto& change : batch.state_delta) {
        const auto column = column_of(change.key);
        if (!column) continue;
        columns.push_back(static_cast<std::int64_t>(*column));
        if (change.event_id) ids.push_back(*change.event_id);
    }
    if (columns.empty()) return;
    const auto known = contents(txn, ids, events);
    OptionalTexts values(kDescribed.size());
    for (const auto& change : batch.state_delta) {
        const auto column = column_of(change.key);
        if (!column || !change.event_id) continue;
        if (const auto found = known.find(*change.event_id); found != known.end())
            values[*column] = value_of(kDescribed[*column], found->second);
    }
    std::vector<Param> params{batch.room_id.str()};
    for (const auto& value : values) params.emplace_back(value);
    params.emplace_back(columns);
    txn.exec_params(kDescription, params);
}

}  // namespace

void write_room_stats(Transaction& txn, const PersistBatch& batch, const std::vector<proto::EventPtr>& events,
                      std::int64_t token) {
    if (!batch.counts || batch.state_delta.empty()) return;
    std::vector<std::string> old_members, memberships;
    for (const auto& change : batch.state_delta) {
        if (change.key.type() != proto::event_type::kMember) continue;
        if (change.prev_event_id) old_members.push_back(change.prev_event_id->str());
        if (change.event_id) memberships.push_back(change.membership);
    }
    txn.exec(kCounts, batch.room_id.str(), old_members, memberships, batch.counts->state_events,
             batch.counts->joined, batch.counts->local_joined, token);
    write_description(txn, batch, events);
}

}  // namespace weft::storage
