#include "weft/storage/user_directory_store.hpp"

namespace weft::storage {
namespace {

/// State changes that are taken in at once.
constexpr std::int64_t kChangesAtOnce = 500;

constexpr Sql kPosition{"user_directory_position",
                        "SELECT stream_id FROM user_directory_stream_pos FOR UPDATE"};
constexpr Sql kSetPosition{"set_user_directory_position",
                           "UPDATE user_directory_stream_pos SET stream_id = $1"};
constexpr Sql kNextEnd{"user_directory_next_end", R"sql(
    SELECT max(stream_id), count(*) FROM (
        SELECT stream_id FROM current_state_delta_stream WHERE stream_id > $1 AND stream_id <= $2
        ORDER BY stream_id FETCH FIRST $3 ROWS WITH TIES
    ) AS next)sql"};

/// Everybody who is in a room, and all rooms: for the first time.
constexpr Sql kEverybody{"user_directory_everybody", R"sql(
    SELECT array_agg(DISTINCT state_key) FROM current_state_events WHERE type = 'm.room.member' AND membership = 'join')sql"};
constexpr Sql kEveryRoom{"user_directory_every_room",
                         "SELECT array_agg(DISTINCT room_id) FROM current_state_events"};

/// Whose memberships changed, and in which rooms; and rooms that were opened or closed, with all who are in
/// them.
constexpr Sql kChangedUsers{"user_directory_changed_users", R"sql(
    SELECT array_agg(DISTINCT state_key) FROM current_state_delta_stream
    WHERE stream_id > $1 AND stream_id <= $2 AND type = 'm.room.member')sql"};
constexpr Sql kChangedRooms{"user_directory_changed_rooms", R"sql(
    SELECT array_agg(DISTINCT room_id) FROM current_state_delta_stream
    WHERE stream_id > $1 AND stream_id <= $2 AND type IN ('m.room.join_rules', 'm.room.history_visibility'))sql"};

// A room is open to everybody if its join rule or its history says so. Content that is no JSON for PostgreSQL
// (it may hold U+0000) is never what is looked for, so the text is compared. It is looked at room by room, by
// index: OFFSET 0 keeps PostgreSQL from comparing the text of every event that there is, which it takes for
// the shorter way as long as its statistics are those of a small database.
#define WEFT_OPEN_ROOMS(rooms)                                                           \
    "open_rooms AS MATERIALIZED (SELECT r.room_id FROM (" rooms                          \
    ") AS r (room_id) WHERE EXISTS ("                                                    \
    "SELECT FROM current_state_events AS c JOIN event_json AS j USING (event_id) "       \
    "WHERE c.room_id = r.room_id AND c.state_key = '' AND ("                             \
    "(c.type = 'm.room.join_rules' AND j.json ~ '\"join_rule\"\\s*:\\s*\"public\"') OR " \
    "(c.type = 'm.room.history_visibility' AND j.json ~ "                                \
    "'\"history_visibility\"\\s*:\\s*\"world_readable\"')) OFFSET 0))"

constexpr Sql kForgetRooms{"user_directory_forget_rooms",
                           "DELETE FROM users_in_public_rooms WHERE room_id = ANY ($1::text[])"};
constexpr Sql kAddRooms{"user_directory_add_rooms",
                        "WITH " WEFT_OPEN_ROOMS("SELECT DISTINCT unnest($1::text[])") R"sql(
    INSERT INTO users_in_public_rooms (user_id, room_id)
    SELECT m.state_key, m.room_id FROM open_rooms CROSS JOIN LATERAL (
        SELECT state_key, room_id FROM current_state_events
        WHERE room_id = open_rooms.room_id AND type = 'm.room.member' AND membership = 'join' OFFSET 0
    ) AS m ON CONFLICT DO NOTHING)sql"};
constexpr Sql kForgetUsers{"user_directory_forget_users", R"sql(
    DELETE FROM users_in_public_rooms AS p USING current_state_delta_stream AS d
    WHERE d.stream_id > $1 AND d.stream_id <= $2 AND d.type = 'm.room.member'
      AND p.user_id = d.state_key AND p.room_id = d.room_id)sql"};
constexpr Sql kAddUsers{
    "user_directory_add_users",
    "WITH changed AS (SELECT DISTINCT room_id, state_key FROM current_state_delta_stream WHERE stream_id > "
    "$1 AND "
    "stream_id <= $2 AND type = 'm.room.member'), " WEFT_OPEN_ROOMS(
        "SELECT DISTINCT room_id FROM changed") R"sql(
    INSERT INTO users_in_public_rooms (user_id, room_id)
    SELECT changed.state_key, changed.room_id FROM changed JOIN open_rooms USING (room_id) WHERE EXISTS (
        SELECT FROM current_state_events AS m WHERE m.room_id = changed.room_id AND m.type = 'm.room.member'
        AND m.state_key = changed.state_key AND m.membership = 'join' OFFSET 0
    ) ON CONFLICT DO NOTHING)sql"};
#undef WEFT_OPEN_ROOMS

constexpr Sql kRemoveGone{"user_directory_remove_gone", R"sql(
    WITH gone AS (
        SELECT u FROM unnest($1::text[]) AS t(u) WHERE NOT EXISTS (
            SELECT 1 FROM current_state_events AS m
            WHERE m.type = 'm.room.member' AND m.state_key = t.u AND m.membership = 'join')
    ), words AS (DELETE FROM user_directory_search USING gone WHERE user_id = u)
    DELETE FROM user_directory USING gone WHERE user_id = u)sql"};

/// Of users of this server the profile counts, of others what they last showed in a room. Names are split at
/// everything that is not a letter or digit of ASCII, or beyond it: that is how searches are split too.
constexpr Sql kPutPresent{"user_directory_put_present", R"sql(
    WITH present AS (
        SELECT t.u AS user_id, split_part(substr(t.u, 2), ':', 1) AS localpart, substr(t.u, strpos(t.u, ':') + 1) AS server,
               newest.display_name, newest.avatar_url
        FROM unnest($1::text[]) AS t(u) CROSS JOIN LATERAL (
            SELECT r.display_name, r.avatar_url FROM current_state_events AS m JOIN room_memberships AS r USING (event_id)
            JOIN events AS e ON e.event_id = m.event_id
            WHERE m.type = 'm.room.member' AND m.state_key = t.u AND m.membership = 'join'
            ORDER BY e.stream_ordering DESC LIMIT 1
        ) AS newest
    ), shown AS (
        SELECT present.user_id, present.localpart, present.server,
               CASE WHEN p.user_id IS NULL THEN present.display_name ELSE p.displayname END AS display_name,
               CASE WHEN p.user_id IS NULL THEN present.avatar_url ELSE p.avatar_url END AS avatar_url
        FROM present LEFT JOIN profiles AS p ON present.server = $2 AND p.user_id = present.localpart
    ), words AS (
        INSERT INTO user_directory_search (user_id, vector)
        SELECT user_id,
               setweight(to_tsvector('simple', regexp_replace(lower(localpart), '[\s!-/:-@[-`{-~]+', ' ', 'g')), 'A')
            || setweight(to_tsvector('simple', regexp_replace(lower(server), '[\s!-/:-@[-`{-~]+', ' ', 'g')), 'D')
            || setweight(to_tsvector('simple', regexp_replace(lower(COALESCE(display_name, '')), '[\s!-/:-@[-`{-~]+', ' ', 'g')), 'B')
        FROM shown ON CONFLICT (user_id) DO UPDATE SET vector = excluded.vector
    )
    INSERT INTO user_directory (user_id, display_name, avatar_url) SELECT user_id, display_name, avatar_url FROM shown
    ON CONFLICT (user_id) DO UPDATE SET display_name = excluded.display_name, avatar_url = excluded.avatar_url)sql"};

constexpr Sql kSearch{"user_directory_search", R"sql(
    SELECT d.user_id, d.display_name, d.avatar_url
    FROM user_directory_search AS s JOIN user_directory AS d USING (user_id), to_tsquery('simple', $2) AS q
    WHERE s.vector @@ q AND d.user_id <> $1 AND (
        $3::boolean
        OR EXISTS (SELECT 1 FROM users_in_public_rooms AS p WHERE p.user_id = d.user_id)
        OR EXISTS (
            SELECT 1 FROM current_state_events AS mine
            JOIN current_state_events AS theirs ON theirs.room_id = mine.room_id AND theirs.type = 'm.room.member'
                AND theirs.state_key = d.user_id AND theirs.membership = 'join'
            WHERE mine.type = 'm.room.member' AND mine.state_key = $1 AND mine.membership = 'join'))
    ORDER BY $4::boolean AND d.user_id LIKE '%:' || $5 DESC, ts_rank_cd('{0.1, 0.1, 0.9, 1.0}', s.vector, q, 8) DESC,
             d.display_name IS NULL, d.avatar_url IS NULL, d.user_id
    LIMIT $6)sql"};

#define WEFT_MUTUAL                                                                               \
    " FROM current_state_events AS mine JOIN current_state_events AS theirs ON theirs.room_id = " \
    "mine.room_id "                                                                               \
    "AND theirs.type = 'm.room.member' AND theirs.state_key = $2 AND theirs.membership = 'join' " \
    "WHERE mine.type = 'm.room.member' AND mine.state_key = $1 AND mine.membership = 'join'"
constexpr Sql kMutualRooms{"mutual_rooms", "SELECT mine.room_id" WEFT_MUTUAL
                                           " AND mine.room_id > $3 ORDER BY mine.room_id LIMIT $4"};
constexpr Sql kCountMutualRooms{"count_mutual_rooms", "SELECT count(*)" WEFT_MUTUAL};
#undef WEFT_MUTUAL

/// 'word':* & ...
std::string prefix_query(const std::vector<std::string>& words) {
    std::string out;
    for (const auto& word : words) {
        if (!out.empty()) out += " & ";
        out += "'" + word + "':*";
    }
    return out;
}

/// An array as PostgreSQL writes it, handed back as it is.
std::optional<std::string> array_of(const Rows& rows) {
    return rows.front()[0].opt_str();
}

void put_users(Transaction& txn, const std::optional<std::string>& users, const std::string& server_name) {
    if (!users) return;
    txn.exec(kRemoveGone, *users);
    txn.exec(kPutPresent, *users, server_name);
}

void take_in_all(Transaction& txn, const std::string& server_name) {
    if (const auto rooms = array_of(txn.exec(kEveryRoom))) {
        txn.exec(kForgetRooms, *rooms);
        txn.exec(kAddRooms, *rooms);
    }
    put_users(txn, array_of(txn.exec(kEverybody)), server_name);
}

void take_in(Transaction& txn, std::int64_t from, std::int64_t to, const std::string& server_name) {
    txn.exec(kForgetUsers, from, to);
    txn.exec(kAddUsers, from, to);
    if (const auto rooms = array_of(txn.exec(kChangedRooms, from, to))) {
        txn.exec(kForgetRooms, *rooms);
        txn.exec(kAddRooms, *rooms);
    }
    put_users(txn, array_of(txn.exec(kChangedUsers, from, to)), server_name);
}

}  // namespace

Task<bool> UserDirectoryStore::follow(std::int64_t upto) {
    co_return co_await context_.db.run("follow_user_directory", [&, this](Transaction& txn) {
        const auto position = txn.exec(kPosition).front()[0].opt_i64();
        if (!position) {
            take_in_all(txn, server_name_);
            txn.exec(kSetPosition, upto);
            return true;
        }
        if (*position >= upto) return false;
        const auto next = txn.exec(kNextEnd, *position, upto, kChangesAtOnce);
        const auto end = next.front()[0].opt_i64();
        if (!end) {
            txn.exec(kSetPosition, upto);
            return false;
        }
        take_in(txn, *position, *end, server_name_);
        txn.exec(kSetPosition, *end);
        return true;
    });
}

Task<std::vector<DirectoryUser>> UserDirectoryStore::search(UserSearch search) {
    std::vector<DirectoryUser> out;
    if (search.words.empty()) co_return out;
    const auto rows =
        co_await context_.db.query(kSearch, search.by_user, prefix_query(search.words), search.all_users,
                                   search.prefer_local, search.server_name, search.limit + 1);
    for (const auto row : rows) out.push_back({row[0].str(), row[1].opt_str(), row[2].opt_str()});
    co_return out;
}

Task<std::vector<std::string>> UserDirectoryStore::mutual_rooms(std::string one, std::string other,
                                                                std::string after, std::size_t limit) {
    std::vector<std::string> out;
    for (const auto row : co_await context_.db.query(kMutualRooms, one, other, after, limit))
        out.push_back(row[0].str());
    co_return out;
}

Task<std::int64_t> UserDirectoryStore::count_mutual_rooms(std::string one, std::string other) {
    co_return (co_await context_.db.query(kCountMutualRooms, one, other)).front()[0].i64();
}

}  // namespace weft::storage
