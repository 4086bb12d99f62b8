#include "weft/storage/admin_user_store.hpp"

namespace weft::storage {
namespace {

/// Each order is an expression of its own, so that one statement serves all.
constexpr Sql kPage{"admin_user_page", R"sql(
    SELECT u.name, u.creation_ts, u.admin, u.is_guest, u.deactivated, u.appservice_id, u.user_type, u.locked, u.suspended,
        p.displayname, p.avatar_url, e.user_id IS NOT NULL AS erased, seen.last_seen, count(*) OVER () AS total
    FROM users AS u
    LEFT JOIN profiles AS p ON p.user_id = split_part(substr(u.name, 2), ':', 1)
    LEFT JOIN erased_users AS e ON e.user_id = u.name
    LEFT JOIN LATERAL (SELECT max(last_seen) AS last_seen FROM user_ips AS i WHERE i.user_id = u.name) AS seen ON TRUE
    WHERE ($1::text IS NULL OR strpos(lower(u.name), lower($1)) > 0)
      AND ($2::text IS NULL OR strpos(lower(u.name), lower($2)) > 0 OR strpos(lower(p.displayname), lower($2)) > 0)
      AND ($3::boolean OR u.is_guest = 0) AND ($4::boolean OR u.deactivated = 0)
      AND ($5::boolean IS NULL OR (u.admin = 1) = $5) AND ($6::boolean IS NULL OR u.locked = $6)
    ORDER BY
        CASE WHEN NOT $8 THEN CASE $7 WHEN 'name' THEN u.name WHEN 'displayname' THEN p.displayname
            WHEN 'avatar_url' THEN p.avatar_url WHEN 'user_type' THEN u.user_type END END,
        CASE WHEN $8 THEN CASE $7 WHEN 'name' THEN u.name WHEN 'displayname' THEN p.displayname
            WHEN 'avatar_url' THEN p.avatar_url WHEN 'user_type' THEN u.user_type END END DESC,
        CASE WHEN NOT $8 THEN CASE $7 WHEN 'is_guest' THEN u.is_guest WHEN 'admin' THEN u.admin
            WHEN 'deactivated' THEN u.deactivated WHEN 'creation_ts' THEN u.creation_ts WHEN 'last_seen_ts' THEN seen.last_seen
            WHEN 'locked' THEN u.locked::int END END,
        CASE WHEN $8 THEN CASE $7 WHEN 'is_guest' THEN u.is_guest WHEN 'admin' THEN u.admin
            WHEN 'deactivated' THEN u.deactivated WHEN 'creation_ts' THEN u.creation_ts WHEN 'last_seen_ts' THEN seen.last_seen
            WHEN 'locked' THEN u.locked::int END END DESC,
        u.name
    OFFSET $9 LIMIT $10)sql"};

constexpr Sql kCount{"admin_user_count", R"sql(
    SELECT count(*) FROM users AS u LEFT JOIN profiles AS p ON p.user_id = split_part(substr(u.name, 2), ':', 1)
    WHERE ($1::text IS NULL OR strpos(lower(u.name), lower($1)) > 0)
      AND ($2::text IS NULL OR strpos(lower(u.name), lower($2)) > 0 OR strpos(lower(p.displayname), lower($2)) > 0)
      AND ($3::boolean OR u.is_guest = 0) AND ($4::boolean OR u.deactivated = 0)
      AND ($5::boolean IS NULL OR (u.admin = 1) = $5) AND ($6::boolean IS NULL OR u.locked = $6))sql"};

constexpr Sql kGet{"admin_user", R"sql(
    SELECT u.name, u.creation_ts, u.admin, u.is_guest, u.deactivated, u.appservice_id, u.user_type, u.locked, u.suspended,
        p.displayname, p.avatar_url, e.user_id IS NOT NULL AS erased,
        (SELECT max(last_seen) FROM user_ips AS i WHERE i.user_id = u.name)
    FROM users AS u
    LEFT JOIN profiles AS p ON p.user_id = split_part(substr(u.name, 2), ':', 1)
    LEFT JOIN erased_users AS e ON e.user_id = u.name
    WHERE u.name = $1)sql"};

constexpr Sql kMediaOf{"admin_media_of_user", R"sql(
    SELECT count(*), coalesce(sum(media_length), 0) FROM local_media_repository
    WHERE user_id = $1 AND url_cache IS NULL)sql"};

constexpr Sql kMediaByUser{"admin_media_by_user", R"sql(
    SELECT m.user_id, p.displayname, count(*), coalesce(sum(m.media_length), 0), count(*) OVER ()
    FROM local_media_repository AS m
    LEFT JOIN profiles AS p ON p.user_id = split_part(substr(m.user_id, 2), ':', 1)
    WHERE m.user_id IS NOT NULL AND m.url_cache IS NULL
    GROUP BY m.user_id, p.displayname ORDER BY count(*) DESC, m.user_id OFFSET $1 LIMIT $2)sql"};

constexpr Sql kAddPending{"add_pending_deactivation", R"sql(
    INSERT INTO users_pending_deactivation (user_id)
    SELECT $1 WHERE NOT EXISTS (SELECT FROM users_pending_deactivation WHERE user_id = $1))sql"};
constexpr Sql kFinishPending{"finish_deactivation",
                             "DELETE FROM users_pending_deactivation WHERE user_id = $1"};
constexpr Sql kPending{"pending_deactivations", "SELECT DISTINCT user_id FROM users_pending_deactivation"};

/// Tables whose rows mean something to their user only.
constexpr Sql kPurge[] = {
    {"purge_account_data", "DELETE FROM account_data WHERE user_id = $1"},
    {"purge_room_account_data", "DELETE FROM room_account_data WHERE user_id = $1"},
    {"purge_room_tags", "DELETE FROM room_tags WHERE user_id = $1"},
    {"purge_push_rules", "DELETE FROM push_rules WHERE user_name = $1"},
    {"purge_push_rules_enable", "DELETE FROM push_rules_enable WHERE user_name = $1"},
    {"purge_room_keys", "DELETE FROM e2e_room_keys WHERE user_id = $1"},
    {"purge_room_key_versions", "DELETE FROM e2e_room_keys_versions WHERE user_id = $1"},
    {"purge_login_tokens", "DELETE FROM login_tokens WHERE user_id = $1"},
    {"purge_push_actions", "DELETE FROM event_push_actions WHERE user_id = $1"},
    {"purge_push_summary", "DELETE FROM event_push_summary WHERE user_id = $1"},
};
constexpr const char* kCaches[] = {"get_account_data_for_user", "get_tags_for_user",
                                   "get_push_rules_for_user"};

ListedUser to_user(const Rows::Row& row) {
    ListedUser listed;
    listed.user.user_id = row[0].str();
    listed.user.creation_ts_s = row[1].opt_i64().value_or(0);
    listed.user.admin = row[2].i64() != 0;
    listed.user.guest = row[3].i64() != 0;
    listed.user.deactivated = row[4].i64() != 0;
    listed.user.appservice_id = row[5].opt_str();
    listed.user.user_type = row[6].opt_str();
    listed.user.locked = row[7].boolean();
    listed.user.suspended = row[8].boolean();
    listed.displayname = row[9].opt_str();
    listed.avatar_url = row[10].opt_str();
    listed.erased = row[11].boolean();
    listed.last_seen_ms = row[12].opt_i64();
    return listed;
}

}  // namespace

const std::vector<std::string>& AdminUserStore::user_orders() {
    static const std::vector<std::string> all{"name",         "displayname", "avatar_url",  "user_type",
                                              "is_guest",     "admin",       "deactivated", "creation_ts",
                                              "last_seen_ts", "locked"};
    return all;
}

Task<UserPage> AdminUserStore::page(UserPageQuery query) {
    co_return co_await context_.db.run("admin_user_page", [&](Transaction& txn) {
        UserPage page;
        const auto rows =
            txn.exec(kPage, query.user_id, query.name, query.guests, query.deactivated, query.admins,
                     query.locked, query.order_by, query.backwards, query.from, query.limit);
        for (const auto row : rows) {
            page.users.push_back(to_user(row));
            page.total = row[13].i64();
        }
        if (rows.empty()) {  // beyond the end nothing tells the number
            page.total = txn.exec(kCount, query.user_id, query.name, query.guests, query.deactivated,
                                  query.admins, query.locked)
                             .front()[0]
                             .i64();
        }
        return page;
    });
}

Task<std::optional<ListedUser>> AdminUserStore::get(std::string user_id) {
    const auto rows = co_await context_.db.query(kGet, user_id);
    if (rows.empty()) co_return std::nullopt;
    co_return to_user(rows.front());
}

Task<UserMedia> AdminUserStore::media_of(std::string user_id) {
    const auto rows = co_await context_.db.query(kMediaOf, user_id);
    UserMedia media;
    media.user_id = std::move(user_id);
    media.count = rows.front()[0].i64();
    media.bytes = rows.front()[1].i64();
    co_return media;
}

Task<std::pair<std::vector<UserMedia>, std::int64_t>> AdminUserStore::media_by_user(std::int64_t from,
                                                                                    std::int64_t limit) {
    std::pair<std::vector<UserMedia>, std::int64_t> found;
    for (const auto row : co_await context_.db.query(kMediaByUser, from, limit)) {
        found.first.push_back({row[0].str(), row[1].opt_str(), row[2].i64(), row[3].i64()});
        found.second = row[4].i64();
    }
    co_return found;
}

Task<void> AdminUserStore::add_pending_deactivation(std::string user_id) {
    co_await context_.db.query(kAddPending, user_id);
}

Task<void> AdminUserStore::finish_deactivation(std::string user_id) {
    co_await context_.db.query(kFinishPending, user_id);
}

Task<std::vector<std::string>> AdminUserStore::pending_deactivations() {
    std::vector<std::string> users;
    for (const auto row : co_await context_.db.query(kPending)) users.push_back(row[0].str());
    co_return users;
}

Task<void> AdminUserStore::purge_personal_data(std::string user_id) {
    co_await context_.db.run("purge_personal_data", [&, this](Transaction& txn) {
        for (const auto& statement : kPurge) txn.exec(statement, user_id);
        for (const auto* cache : kCaches) context_.cache_writer.invalidate(txn, cache, {user_id});
    });
}

}  // namespace weft::storage
