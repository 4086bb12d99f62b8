#include "weft/storage/admin_room_store.hpp"

namespace weft::storage {
namespace {

/// One row a room, with the contents of its state that lists show.
constexpr Sql kPage{"admin_room_page", R"sql(
    WITH state AS (
        SELECT c.room_id, c.type, j.json::jsonb -> 'content' AS content
        FROM current_state_events AS c JOIN event_json AS j USING (event_id)
        WHERE c.state_key = '' AND c.type IN ('m.room.name', 'm.room.canonical_alias', 'm.room.encryption', 'm.room.create',
            'm.room.join_rules', 'm.room.guest_access', 'm.room.history_visibility', 'm.room.topic', 'm.room.avatar')
            AND ($1::text IS NULL OR c.room_id = $1)),
    counts AS (
        SELECT room_id, count(*) AS state_events,
            count(*) FILTER (WHERE type = 'm.room.member' AND membership = 'join') AS joined,
            count(*) FILTER (WHERE type = 'm.room.member' AND membership = 'join'
                AND right(state_key, length($3) + 1) = ':' || $3) AS joined_local
        FROM current_state_events WHERE $1::text IS NULL OR room_id = $1 GROUP BY room_id),
    room AS (
        SELECT r.room_id, r.room_version, r.creator, coalesce(r.is_public, FALSE) AS is_public,
            coalesce(counts.joined, 0) AS joined, coalesce(counts.joined_local, 0) AS joined_local,
            coalesce(counts.state_events, 0) AS state_events,
            max(content ->> 'name') FILTER (WHERE type = 'm.room.name') AS name,
            max(content ->> 'alias') FILTER (WHERE type = 'm.room.canonical_alias') AS alias,
            max(content ->> 'algorithm') FILTER (WHERE type = 'm.room.encryption') AS encryption,
            bool_and((content -> 'm.federate') IS DISTINCT FROM 'false'::jsonb) FILTER (WHERE type = 'm.room.create') AS federatable,
            max(content ->> 'join_rule') FILTER (WHERE type = 'm.room.join_rules') AS join_rules,
            max(content ->> 'guest_access') FILTER (WHERE type = 'm.room.guest_access') AS guest_access,
            max(content ->> 'history_visibility') FILTER (WHERE type = 'm.room.history_visibility') AS history_visibility,
            max(content ->> 'type') FILTER (WHERE type = 'm.room.create') AS room_type,
            max(content ->> 'topic') FILTER (WHERE type = 'm.room.topic') AS topic,
            max(content ->> 'url') FILTER (WHERE type = 'm.room.avatar') AS avatar
        FROM rooms AS r LEFT JOIN counts USING (room_id) LEFT JOIN state USING (room_id)
        WHERE $1::text IS NULL OR r.room_id = $1
        GROUP BY r.room_id, counts.joined, counts.joined_local, counts.state_events)
    SELECT room_id, name, alias, joined, joined_local, room_version, creator, encryption, coalesce(federatable, TRUE), is_public,
        join_rules, guest_access, history_visibility, state_events, room_type, topic, avatar, count(*) OVER ()
    FROM room
    WHERE $2::text IS NULL OR strpos(lower(name), lower($2)) > 0 OR strpos(lower(alias), lower($2)) > 0 OR room_id = $2
    ORDER BY
        CASE WHEN NOT $5 THEN CASE $4 WHEN 'name' THEN lower(name) WHEN 'canonical_alias' THEN alias WHEN 'version' THEN room_version
            WHEN 'creator' THEN creator WHEN 'encryption' THEN encryption WHEN 'join_rules' THEN join_rules
            WHEN 'guest_access' THEN guest_access WHEN 'history_visibility' THEN history_visibility END END,
        CASE WHEN $5 THEN CASE $4 WHEN 'name' THEN lower(name) WHEN 'canonical_alias' THEN alias WHEN 'version' THEN room_version
            WHEN 'creator' THEN creator WHEN 'encryption' THEN encryption WHEN 'join_rules' THEN join_rules
            WHEN 'guest_access' THEN guest_access WHEN 'history_visibility' THEN history_visibility END END DESC,
        CASE WHEN $5 THEN CASE $4 WHEN 'joined_members' THEN joined WHEN 'joined_local_members' THEN joined_local
            WHEN 'state_events' THEN state_events WHEN 'public' THEN is_public::int WHEN 'federatable' THEN federatable::int END END,
        CASE WHEN NOT $5 THEN CASE $4 WHEN 'joined_members' THEN joined WHEN 'joined_local_members' THEN joined_local
            WHEN 'state_events' THEN state_events WHEN 'public' THEN is_public::int WHEN 'federatable' THEN federatable::int END END DESC,
        room_id
    OFFSET $6 LIMIT $7)sql"};

constexpr Sql kMembers{"admin_room_members", R"sql(
    SELECT state_key FROM current_state_events
    WHERE room_id = $1 AND type = 'm.room.member' AND membership = 'join' ORDER BY state_key)sql"};

constexpr Sql kLocalMembers{"admin_local_room_members", R"sql(
    SELECT state_key FROM current_state_events
    WHERE room_id = $1 AND type = 'm.room.member' AND membership IN ('join', 'invite', 'knock')
        AND right(state_key, length($2) + 1) = ':' || $2 ORDER BY state_key)sql"};

constexpr Sql kBlockedBy{"room_blocked_by", "SELECT user_id FROM blocked_rooms WHERE room_id = $1"};
constexpr Sql kBlock{
    "block_room",
    "INSERT INTO blocked_rooms (room_id, user_id) VALUES ($1, $2) ON CONFLICT (room_id) DO NOTHING"};
constexpr Sql kUnblock{"unblock_room", "DELETE FROM blocked_rooms WHERE room_id = $1"};

constexpr Sql kRemoveAliases{"remove_room_aliases", R"sql(
    WITH gone AS (DELETE FROM room_aliases WHERE room_id = $1 RETURNING room_alias),
        servers AS (DELETE FROM room_alias_servers WHERE room_alias IN (SELECT room_alias FROM gone))
    SELECT room_alias FROM gone ORDER BY room_alias)sql"};

constexpr Sql kUsers{"users_of_purged_room",
                     "SELECT DISTINCT user_id FROM local_current_membership WHERE room_id = $1"};
constexpr Sql kPurge{"purge_room", "SELECT weft_purge_room($1)"};
constexpr Sql kPurgeHistory{"purge_history", "SELECT weft_purge_history($1, $2, $3, $4)"};

constexpr Sql kDepthOf{"depth_of_event",
                       "SELECT topological_ordering FROM events WHERE room_id = $1 AND event_id = $2"};
constexpr Sql kDepthAt{"depth_at_time", R"sql(
    SELECT topological_ordering FROM events WHERE room_id = $1 AND received_ts >= $2 AND NOT outlier
    ORDER BY stream_ordering LIMIT 1)sql"};

std::optional<std::int64_t> first_integer(const Rows& rows) {
    return rows.empty() ? std::nullopt : rows.front()[0].opt_i64();
}

}  // namespace

const std::vector<std::string>& AdminRoomStore::room_orders() {
    static const std::vector<std::string> all{
        "name",        "canonical_alias", "joined_members", "joined_local_members",
        "version",     "creator",         "encryption",     "federatable",
        "public",      "join_rules",      "guest_access",   "history_visibility",
        "state_events"};
    return all;
}

Task<RoomPage> AdminRoomStore::page(RoomPageQuery query, std::string server_name) {
    RoomPage page;
    const auto rows = co_await context_.db.query(kPage, query.room_id, query.search, server_name,
                                                 query.order_by, query.backwards, query.from, query.limit);
    for (const auto row : rows) {
        ListedRoom room;
        room.room_id = row[0].str();
        room.name = row[1].opt_str();
        room.canonical_alias = row[2].opt_str();
        room.joined_members = row[3].i64();
        room.joined_local_members = row[4].i64();
        room.version = row[5].opt_str();
        room.creator = row[6].opt_str();
        room.encryption = row[7].opt_str();
        room.federatable = row[8].boolean();
        room.is_public = row[9].boolean();
        room.join_rules = row[10].opt_str();
        room.guest_access = row[11].opt_str();
        room.history_visibility = row[12].opt_str();
        room.state_events = row[13].i64();
        room.room_type = row[14].opt_str();
        room.topic = row[15].opt_str();
        room.avatar = row[16].opt_str();
        page.total = row[17].i64();
        page.rooms.push_back(std::move(room));
    }
    co_return page;
}

Task<std::vector<std::string>> AdminRoomStore::members(std::string room_id) {
    std::vector<std::string> users;
    for (const auto row : co_await context_.db.query(kMembers, room_id)) users.push_back(row[0].str());
    co_return users;
}

Task<std::vector<std::string>> AdminRoomStore::local_members(std::string room_id, std::string server_name) {
    std::vector<std::string> users;
    for (const auto row : co_await context_.db.query(kLocalMembers, room_id, server_name))
        users.push_back(row[0].str());
    co_return users;
}

Task<std::optional<std::string>> AdminRoomStore::blocked_by(std::string room_id) {
    const auto rows = co_await context_.db.query(kBlockedBy, room_id);
    if (rows.empty()) co_return std::nullopt;
    co_return rows.front()[0].str();
}

Task<void> AdminRoomStore::set_blocked(std::string room_id, std::string by, bool blocked) {
    co_await context_.db.run("set_room_blocked", [&, this](Transaction& txn) {
        if (blocked) {
            txn.exec(kBlock, room_id, by);
        } else {
            txn.exec(kUnblock, room_id);
        }
        context_.cache_writer.invalidate(txn, "is_room_blocked",
                                         {room_id});  // Synapse's workers have it in memory
    });
}

Task<std::vector<std::string>> AdminRoomStore::remove_aliases(std::string room_id) {
    co_return co_await context_.db.run("remove_room_aliases", [&, this](Transaction& txn) {
        std::vector<std::string> aliases;
        for (const auto row : txn.exec(kRemoveAliases, room_id)) aliases.push_back(row[0].str());
        context_.cache_writer.invalidate(txn, "get_aliases_for_room", {room_id});
        return aliases;
    });
}

Task<std::int64_t> AdminRoomStore::purge(std::string room_id) {
    co_return co_await context_.db.run("purge_room", [&, this](Transaction& txn) {
        for (const auto row : txn.exec(kUsers, room_id)) {
            context_.cache_writer.invalidate(txn, "did_forget", {row[0].str(), room_id});
        }
        const auto events = txn.exec(kPurge, room_id).front()[0].i64();
        context_.cache_writer.invalidate(txn, kRoomPurgedCache, {room_id});
        return events;
    });
}

Task<std::int64_t> AdminRoomStore::purge_history(std::string room_id, std::int64_t depth, bool with_local,
                                                 std::string server_name) {
    co_return co_await context_.db.run("purge_history", [&, this](Transaction& txn) {
        const auto events = txn.exec(kPurgeHistory, room_id, depth, with_local, server_name).front()[0].i64();
        context_.cache_writer.invalidate(txn, kRoomPurgedCache, {room_id});
        return events;
    });
}

Task<std::optional<std::int64_t>> AdminRoomStore::depth_of(std::string room_id, std::string event_id) {
    co_return first_integer(co_await context_.db.query(kDepthOf, room_id, event_id));
}

Task<std::optional<std::int64_t>> AdminRoomStore::depth_at(std::string room_id, std::int64_t time_ms) {
    co_return first_integer(co_await context_.db.query(kDepthAt, room_id, time_ms));
}

}  // namespace weft::storage
