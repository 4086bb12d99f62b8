#include "weft/storage/pusher_store.hpp"

#include <algorithm>
#include <set>

#include "stores/store_support.hpp"
#include "weft/proto/replication/rows.hpp"

namespace weft::storage {

using proto::replication::PushersRow;

namespace {

constexpr std::size_t kCacheEntries = 15'000;
constexpr auto kCacheName = "get_if_user_has_pusher";

/// A late writer with an older ID does not replace a newer pusher. What was throttled stays so under the new
/// ID.
constexpr Sql kUpsert{"upsert_pusher", R"sql(
    WITH old AS (SELECT id FROM pushers WHERE user_name = $2 AND app_id = $3 AND pushkey = $4 AND id < $1),
         throttle AS (UPDATE pusher_throttle SET pusher = $1 WHERE pusher = (SELECT id FROM old))
    INSERT INTO pushers (id, user_name, app_id, pushkey, kind, app_display_name, device_display_name, profile_tag,
                         lang, data, access_token, device_id, last_stream_ordering, ts)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
    ON CONFLICT (app_id, pushkey, user_name) DO UPDATE
    SET id = EXCLUDED.id, kind = EXCLUDED.kind, app_display_name = EXCLUDED.app_display_name,
        device_display_name = EXCLUDED.device_display_name, profile_tag = EXCLUDED.profile_tag,
        lang = EXCLUDED.lang, data = EXCLUDED.data, access_token = EXCLUDED.access_token,
        device_id = EXCLUDED.device_id, last_stream_ordering = EXCLUDED.last_stream_ordering, ts = EXCLUDED.ts, last_success = NULL,
        failing_since = NULL
    WHERE pushers.id < EXCLUDED.id)sql"};

/// Nothing is deleted, and no deletion logged, for a pusher that is not there.
constexpr Sql kDelete{"delete_pusher", R"sql(
    WITH gone AS (DELETE FROM pushers WHERE user_name = $2 AND app_id = $3 AND pushkey = $4 RETURNING id),
         throttle AS (DELETE FROM pusher_throttle WHERE pusher IN (SELECT id FROM gone)),
         earlier AS (DELETE FROM deleted_pushers
                     WHERE user_id = $2 AND app_id = $3 AND pushkey = $4 AND EXISTS (SELECT FROM gone))
    INSERT INTO deleted_pushers (stream_id, user_id, app_id, pushkey)
    SELECT $1, $2, $3, $4 WHERE EXISTS (SELECT FROM gone))sql"};

#define WEFT_SELECT_PUSHERS                                                                             \
    "SELECT id, user_name, app_id, pushkey, kind, app_display_name, device_display_name, profile_tag, " \
    "lang, "                                                                                            \
    "data, access_token, last_stream_ordering, ts, last_success, failing_since, device_id FROM pushers "

constexpr Sql kGet{"get_pusher", WEFT_SELECT_PUSHERS "WHERE user_name = $1 AND app_id = $2 AND pushkey = $3"};
constexpr Sql kOfUser{"get_pushers_of_user", WEFT_SELECT_PUSHERS "WHERE user_name = $1 ORDER BY id"};
constexpr Sql kAll{"get_all_pushers", WEFT_SELECT_PUSHERS "ORDER BY id"};

constexpr Sql kWithNews{"pushers_with_news", WEFT_SELECT_PUSHERS R"sql(AS p WHERE kind = $1 AND EXISTS (
    SELECT FROM event_push_actions AS a
    WHERE a.user_id = p.user_name AND a.stream_ordering > p.last_stream_ordering AND a.notif = 1) ORDER BY id)sql"};

#undef WEFT_SELECT_PUSHERS

constexpr Sql kThrottles{"pusher_throttles",
                         "SELECT room_id, last_sent_ts, throttle_ms FROM pusher_throttle WHERE pusher = $1"};
constexpr Sql kSetThrottle{"set_pusher_throttle", R"sql(
    INSERT INTO pusher_throttle (pusher, room_id, last_sent_ts, throttle_ms) VALUES ($1, $2, $3, $4)
    ON CONFLICT (pusher, room_id) DO UPDATE SET last_sent_ts = EXCLUDED.last_sent_ts, throttle_ms = EXCLUDED.throttle_ms)sql"};

constexpr Sql kHas{"user_has_pusher", "SELECT EXISTS (SELECT FROM pushers WHERE user_name = $1)"};

constexpr Sql kOfOthers{"pushers_of_others", R"sql(
    SELECT user_name, app_id, pushkey FROM pushers WHERE app_id = $2 AND pushkey = $3 AND user_name <> $1
    ORDER BY id)sql"};

constexpr Sql kOrphans{"pushers_of_no_session", R"sql(
    SELECT user_name, app_id, pushkey FROM pushers AS p
    WHERE CASE WHEN device_id IS NOT NULL
               THEN NOT EXISTS (SELECT FROM devices AS d WHERE d.user_id = p.user_name AND d.device_id = p.device_id)
               ELSE access_token IS NOT NULL AND NOT EXISTS (SELECT FROM access_tokens AS t WHERE t.id = p.access_token)
          END
    ORDER BY id)sql"};

constexpr Sql kOfDevices{"pushers_of_devices", R"sql(
    SELECT user_name, app_id, pushkey FROM pushers WHERE user_name = $1 AND device_id = ANY ($2::text[])
    ORDER BY id)sql"};

constexpr Sql kOfSessions{"pushers_of_sessions", R"sql(
    SELECT user_name, app_id, pushkey FROM pushers WHERE user_name = $1 AND access_token = ANY ($2::bigint[])
    ORDER BY id)sql"};

constexpr Sql kSetProgress{"set_pusher_progress", R"sql(
    UPDATE pushers SET last_stream_ordering = $4, last_success = COALESCE($5, last_success)
    WHERE user_name = $1 AND app_id = $2 AND pushkey = $3)sql"};

constexpr Sql kSetFailingSince{"set_pusher_failing_since", R"sql(
    UPDATE pushers SET failing_since = $4 WHERE user_name = $1 AND app_id = $2 AND pushkey = $3)sql"};

/// One query over both tables: a page that ends in one of them must not pass over rows of the other.
constexpr Sql kUpdates{"pusher_updates", R"sql(
    SELECT stream_id, user_id, app_id, pushkey, deleted FROM (
        SELECT id AS stream_id, user_name AS user_id, app_id, pushkey, FALSE AS deleted FROM pushers
        WHERE id > $1 AND id <= $2
        UNION ALL
        SELECT stream_id, user_id, app_id, pushkey, TRUE FROM deleted_pushers
        WHERE stream_id > $1 AND stream_id <= $2
    ) AS changes ORDER BY stream_id FETCH FIRST $3 ROWS WITH TIES)sql"};

Pusher to_pusher(const Rows::Row& row) {
    Pusher pusher;
    pusher.id = row[0].i64();
    auto& settings = pusher.settings;
    settings.key = {row[1].str(), row[2].str(), row[3].str()};
    settings.kind = row[4].str();
    settings.app_display_name = row[5].str();
    settings.device_display_name = row[6].str();
    settings.profile_tag = row[7].str();
    settings.lang = row[8].opt_str();
    settings.data = row[9].opt_str().value_or("{}");
    settings.access_token_id = row[10].opt_i64();
    settings.last_stream_ordering = row[11].opt_i64().value_or(0);
    pusher.created_ms = row[12].i64();
    pusher.last_success_ms = row[13].opt_i64();
    pusher.failing_since_ms = row[14].opt_i64();
    settings.device_id = row[15].opt_str();
    return pusher;
}

std::vector<Pusher> to_pushers(const Rows& rows) {
    std::vector<Pusher> pushers;
    for (const auto row : rows) pushers.push_back(to_pusher(row));
    return pushers;
}

std::vector<PusherKey> to_keys(const Rows& rows) {
    std::vector<PusherKey> keys;
    for (const auto row : rows) keys.push_back({row[0].str(), row[1].str(), row[2].str()});
    return keys;
}

boost::json::value to_row(const PusherKey& key, bool deleted) {
    return PushersRow{key.user_id, key.app_id, key.push_key, deleted}.to_json();
}

}  // namespace

PusherStore::PusherStore(StoreContext context, StreamState& pushers)
    : context_{std::move(context)},
      pushers_{pushers},
      cache_{kCacheName, context_.scaled(kCacheEntries), context_.executor} {
    register_cache(context_.caches, kCacheName, cache_);
    pushers_.on_invalidate([this](std::int64_t token, const StreamRows& rows) {
        for (const auto& json : rows) {
            const auto row = PushersRow::parse(json);
            if (!row) continue;
            cache_.invalidate(row->user_id);
            pushers_.changes().entity_changed(row->user_id, token);
        }
    });
}

Task<std::int64_t> PusherStore::set(PusherSettings settings) {
    auto id = pushers_.allocate();
    const auto token = id.first();
    const auto& key = settings.key;
    co_await context_.db.run("set_pusher", [&, now_ms = context_.clock.now_ms()](Transaction& txn) {
        txn.exec(kUpsert, token, key.user_id, key.app_id, key.push_key, settings.kind,
                 settings.app_display_name, settings.device_display_name, settings.profile_tag, settings.lang,
                 settings.data, settings.access_token_id, settings.device_id, settings.last_stream_ordering,
                 now_ms);
        context_.cache_writer.invalidate(txn, kCacheName, {key.user_id});
    });
    pushers_.publish(std::move(id), {{token, to_row(key, false)}});
    co_return token;
}

Task<std::optional<std::int64_t>> PusherStore::remove(PusherKey key) {
    std::vector<PusherKey> keys;
    keys.push_back(std::move(key));
    co_return co_await remove_all(std::move(keys));
}

Task<std::optional<std::int64_t>> PusherStore::remove_of_others(PusherKey keep) {
    const auto rows = co_await context_.db.query(kOfOthers, keep.user_id, keep.app_id, keep.push_key);
    co_return co_await remove_all(to_keys(rows));
}

Task<std::optional<std::int64_t>> PusherStore::remove_of_sessions(
    std::string user_id, std::vector<std::int64_t> access_token_ids) {
    const auto rows = co_await context_.db.query(kOfSessions, user_id, access_token_ids);
    co_return co_await remove_all(to_keys(rows));
}

Task<std::optional<std::int64_t>> PusherStore::remove_of_devices(std::string user_id,
                                                                 std::vector<std::string> device_ids) {
    const auto rows = co_await context_.db.query(kOfDevices, user_id, device_ids);
    co_return co_await remove_all(to_keys(rows));
}

Task<std::optional<std::int64_t>> PusherStore::remove_orphans() {
    co_return co_await remove_all(to_keys(co_await context_.db.query(kOrphans)));
}

Task<std::optional<std::int64_t>> PusherStore::remove_all(std::vector<PusherKey> keys) {
    if (keys.empty()) co_return std::nullopt;
    if (remote_) co_return co_await remote_(std::move(keys));
    auto ids = pushers_.allocate(keys.size());
    const auto gone = co_await context_.db.run("remove_pushers", [&](Transaction& txn) {
        std::vector<std::size_t> deleted;
        for (std::size_t i = 0; i < keys.size(); ++i) {
            const auto& key = keys[i];
            if (txn.exec(kDelete, ids.ids()[i], key.user_id, key.app_id, key.push_key).affected() == 0)
                continue;
            deleted.push_back(i);
            context_.cache_writer.invalidate(txn, kCacheName, {key.user_id});
        }
        return deleted;
    });
    if (gone.empty()) co_return std::nullopt;
    std::vector<std::pair<std::int64_t, boost::json::value>> rows;
    for (const auto i : gone) rows.emplace_back(ids.ids()[i], to_row(keys[i], true));
    const auto newest = rows.back().first;
    pushers_.publish(std::move(ids), std::move(rows));
    co_return newest;
}

Task<std::vector<Pusher>> PusherStore::of_user(std::string user_id) {
    co_return to_pushers(co_await context_.db.query(kOfUser, user_id));
}

Task<std::optional<Pusher>> PusherStore::get(PusherKey key) {
    const auto rows = co_await context_.db.query(kGet, key.user_id, key.app_id, key.push_key);
    if (rows.empty()) co_return std::nullopt;
    co_return to_pusher(rows.front());
}

Task<std::vector<Pusher>> PusherStore::all() {
    co_return to_pushers(co_await context_.db.query(kAll));
}

Task<bool> PusherStore::has_pusher(std::string user_id) {
    co_return *co_await cache_.get(user_id, [this](std::string user) -> Task<bool> {
        co_return (co_await context_.db.query(kHas, user)).front()[0].boolean();
    });
}

Task<std::vector<Pusher>> PusherStore::with_news(std::string kind) {
    co_return to_pushers(co_await context_.db.query(kWithNews, kind));
}

Task<std::map<std::string, PusherThrottle>> PusherStore::throttles(std::int64_t pusher_id) {
    std::map<std::string, PusherThrottle> out;
    for (const auto row : co_await context_.db.query(kThrottles, pusher_id)) {
        out.emplace(row[0].str(), PusherThrottle{row[1].opt_i64().value_or(0), row[2].opt_i64().value_or(0)});
    }
    co_return out;
}

Task<void> PusherStore::set_throttle(std::int64_t pusher_id, std::string room_id, PusherThrottle throttle) {
    co_await context_.db.query(kSetThrottle, pusher_id, room_id, throttle.last_sent_ms, throttle.pause_ms);
}

Task<bool> PusherStore::set_progress(PusherKey key, std::int64_t last_stream_ordering,
                                     std::optional<std::int64_t> last_success_ms) {
    const auto result = co_await context_.db.query(kSetProgress, key.user_id, key.app_id, key.push_key,
                                                   last_stream_ordering, last_success_ms);
    co_return result.affected() == 1;
}

Task<bool> PusherStore::set_failing_since(PusherKey key, std::optional<std::int64_t> failing_since_ms) {
    const auto result =
        co_await context_.db.query(kSetFailingSince, key.user_id, key.app_id, key.push_key, failing_since_ms);
    co_return result.affected() == 1;
}

Task<StreamUpdates> PusherStore::updates(std::int64_t from, std::int64_t to, std::size_t limit) {
    const auto rows = co_await context_.db.query(kUpdates, from, to, limit);
    co_return make_updates(rows, to, limit, [](const Rows::Row& row) {
        return to_row({row[1].str(), row[2].str(), row[3].str()}, row[4].boolean());
    });
}

}  // namespace weft::storage
