// What administrators do with media: find, quarantine, delete.
#include "media_rows.hpp"
#include "weft/proto/json.hpp"

namespace weft::storage {

namespace {

/// One statement an order: a column's name cannot be a parameter.
#define WEFT_USER_MEDIA(order)                                                                           \
    "SELECT " WEFT_LOCAL_MEDIA                                                                           \
    " FROM local_media_repository WHERE user_id = $1 AND url_cache IS NULL AND media_length IS NOT NULL" \
    " ORDER BY " order ", media_id LIMIT $2 OFFSET $3"

struct OrderedSql {
    MediaOrder order;
    Sql forwards;
    Sql backwards;
};

constexpr OrderedSql kUserMedia[] = {
    {MediaOrder::kCreated,
     {"user_media_created", WEFT_USER_MEDIA("created_ts")},
     {"user_media_created_desc", WEFT_USER_MEDIA("created_ts DESC")}},
    {MediaOrder::kLastAccess,
     {"user_media_access", WEFT_USER_MEDIA("last_access_ts")},
     {"user_media_access_desc", WEFT_USER_MEDIA("last_access_ts DESC")}},
    {MediaOrder::kMediaId,
     {"user_media_id", WEFT_USER_MEDIA("media_id")},
     {"user_media_id_desc", WEFT_USER_MEDIA("media_id DESC")}},
    {MediaOrder::kLength,
     {"user_media_length", WEFT_USER_MEDIA("media_length")},
     {"user_media_length_desc", WEFT_USER_MEDIA("media_length DESC")}},
    {MediaOrder::kType,
     {"user_media_type", WEFT_USER_MEDIA("media_type")},
     {"user_media_type_desc", WEFT_USER_MEDIA("media_type DESC")}},
    {MediaOrder::kUploadName,
     {"user_media_name", WEFT_USER_MEDIA("upload_name")},
     {"user_media_name_desc", WEFT_USER_MEDIA("upload_name DESC")}},
    {MediaOrder::kQuarantinedBy,
     {"user_media_quarantined", WEFT_USER_MEDIA("quarantined_by")},
     {"user_media_quarantined_desc", WEFT_USER_MEDIA("quarantined_by DESC")}},
    {MediaOrder::kSafe,
     {"user_media_safe", WEFT_USER_MEDIA("safe_from_quarantine")},
     {"user_media_safe_desc", WEFT_USER_MEDIA("safe_from_quarantine DESC")}},
};

constexpr Sql kCountUserMedia{"count_user_media", R"sql(
    SELECT count(*) FROM local_media_repository
    WHERE user_id = $1 AND url_cache IS NULL AND media_length IS NOT NULL)sql"};

/// A batch of the room's events that may name media.
constexpr Sql kRoomMediaEvents{"room_media_events", R"sql(
    SELECT e.stream_ordering, j.json FROM events AS e JOIN event_json AS j USING (event_id)
    WHERE e.room_id = $1 AND e.stream_ordering > $2::bigint AND NOT e.outlier
      AND (e.contains_url OR e.type IN ('m.room.avatar', 'm.room.member') OR j.json LIKE '%mxc://%')
    ORDER BY e.stream_ordering LIMIT 500)sql"};

constexpr Sql kLocalBefore{"local_media_before",
                           "SELECT " WEFT_LOCAL_MEDIA R"sql( FROM local_media_repository AS m
    WHERE COALESCE(last_access_ts, created_ts) < $1 AND media_length > $2::bigint AND url_cache IS NULL
      AND NOT safe_from_quarantine AND quarantined_by IS NULL
      AND ($3::text IS NULL OR NOT EXISTS (SELECT FROM profiles WHERE avatar_url = $3 || m.media_id))
    ORDER BY created_ts LIMIT 1000)sql"};

constexpr Sql kRemoteBefore{"remote_media_before", "SELECT " WEFT_REMOTE_MEDIA R"sql( FROM remote_media_cache
    WHERE COALESCE(last_access_ts, created_ts) < $1 AND quarantined_by IS NULL
    ORDER BY created_ts LIMIT 1000)sql"};

constexpr Sql kQuarantineLocal{"quarantine_local_media", R"sql(
    UPDATE local_media_repository SET quarantined_by = $2
    WHERE (media_id = ANY($1::text[])
           OR ($2::text IS NOT NULL
               AND sha256 IN (SELECT sha256 FROM local_media_repository WHERE media_id = ANY($1::text[]))))
      AND ($2::text IS NULL OR NOT safe_from_quarantine)
      AND quarantined_by IS DISTINCT FROM $2)sql"};

constexpr Sql kQuarantineRemote{"quarantine_remote_media", R"sql(
    UPDATE remote_media_cache AS m SET quarantined_by = $3
    FROM unnest($1::text[], $2::text[]) AS k(origin, media_id)
    WHERE m.media_origin = k.origin AND m.media_id = k.media_id AND m.quarantined_by IS DISTINCT FROM $3)sql"};

constexpr Sql kQuarantineUser{"quarantine_user_media", R"sql(
    UPDATE local_media_repository SET quarantined_by = $2
    WHERE user_id = $1 AND NOT safe_from_quarantine AND quarantined_by IS NULL AND media_length IS NOT NULL)sql"};

constexpr Sql kSetSafe{"set_media_safe",
                       "UPDATE local_media_repository SET safe_from_quarantine = $2 WHERE media_id = $1"};

constexpr Sql kRemoveLocal{"remove_local_media", R"sql(
    WITH thumbnails AS (DELETE FROM local_media_repository_thumbnails WHERE media_id = ANY($1::text[]))
    DELETE FROM local_media_repository WHERE media_id = ANY($1::text[]))sql"};

constexpr Sql kRemoveRemote{"remove_remote_media", R"sql(
    WITH keys AS (SELECT * FROM unnest($1::text[], $2::text[]) AS k(origin, media_id)),
    thumbnails AS (DELETE FROM remote_media_cache_thumbnails AS t USING keys AS k
        WHERE t.media_origin = k.origin AND t.media_id = k.media_id)
    DELETE FROM remote_media_cache AS m USING keys AS k
    WHERE m.media_origin = k.origin AND m.media_id = k.media_id)sql"};

struct SplitKeys {
    std::vector<std::string> local;
    std::vector<std::string> origins;
    std::vector<std::string> remote;

    explicit SplitKeys(const std::vector<MediaKey>& keys) {
        for (const auto& key : keys) {
            if (key.origin.empty()) {
                local.push_back(key.media_id);
            } else {
                origins.push_back(key.origin);
                remote.push_back(key.media_id);
            }
        }
    }
};

/// Every string of `content` that is an mxc:// URI, however deep: url, file.url, info.thumbnail_url,
/// avatar_url.
void collect_uris(const boost::json::value& value, std::vector<std::string>& out) {
    if (const auto* text = value.if_string()) {
        if (text->starts_with("mxc://")) out.emplace_back(*text);
    } else if (const auto* object = value.if_object()) {
        for (const auto& member : *object) collect_uris(member.value(), out);
    } else if (const auto* array = value.if_array()) {
        for (const auto& item : *array) collect_uris(item, out);
    }
}

std::vector<Media> all_media(const Rows& rows) {
    std::vector<Media> out;
    for (const auto row : rows) out.push_back(media_of(row));
    return out;
}

}  // namespace

Task<MediaPage> MediaStore::of_user(std::string user_id, std::int64_t offset, std::int64_t limit,
                                    MediaOrder order, MediaDirection direction) {
    const auto& found = *std::ranges::find(kUserMedia, order, &OrderedSql::order);
    const auto& sql = direction == MediaDirection::kForwards ? found.forwards : found.backwards;
    auto body = [&](Transaction& txn) {
        MediaPage page;
        page.media = all_media(txn.exec(sql, user_id, limit, offset));
        page.total = txn.exec(kCountUserMedia, user_id).front()[0].i64();
        return page;
    };
    co_return co_await context_.db.run("user_media", std::move(body));
}

Task<std::vector<std::string>> MediaStore::uris_in_room(std::string room_id) {
    std::vector<std::string> out;
    for (std::int64_t after = INT64_MIN;;) {
        const auto rows = co_await context_.db.query(kRoomMediaEvents, room_id, after);
        if (rows.empty()) break;
        for (const auto row : rows) {
            after = row[0].i64();
            const auto event = proto::parse_json(row[1].view());
            const auto* object = event ? event->if_object() : nullptr;
            if (const auto* content = object ? object->if_contains("content") : nullptr)
                collect_uris(*content, out);
        }
    }
    std::ranges::sort(out);
    out.erase(std::unique(out.begin(), out.end()), out.end());
    co_return out;
}

Task<std::vector<Media>> MediaStore::local_before(std::int64_t before_ms, std::int64_t bytes_min,
                                                  std::optional<std::string> keep_avatars_under) {
    co_return all_media(co_await context_.db.query(kLocalBefore, before_ms, bytes_min, keep_avatars_under));
}

Task<std::vector<Media>> MediaStore::remote_before(std::int64_t before_ms) {
    co_return all_media(co_await context_.db.query(kRemoteBefore, before_ms));
}

Task<std::int64_t> MediaStore::quarantine(std::vector<MediaKey> keys, std::optional<std::string> by) {
    const SplitKeys split{keys};
    auto body = [&](Transaction& txn) {
        const auto local = txn.exec(kQuarantineLocal, split.local, by).affected();
        const auto remote = txn.exec(kQuarantineRemote, split.origins, split.remote, by).affected();
        return static_cast<std::int64_t>(local + remote);
    };
    co_return co_await context_.db.run("quarantine_media", std::move(body));
}

Task<std::int64_t> MediaStore::quarantine_user(std::string user_id, std::string by) {
    const auto result = co_await context_.db.query(kQuarantineUser, user_id, by);
    co_return static_cast<std::int64_t>(result.affected());
}

Task<bool> MediaStore::set_safe(std::string media_id, bool is_safe) {
    co_return (co_await context_.db.query(kSetSafe, media_id, is_safe)).affected() == 1;
}

Task<void> MediaStore::remove(std::vector<MediaKey> keys) {
    const SplitKeys split{keys};
    auto body = [&](Transaction& txn) {
        txn.exec(kRemoveLocal, split.local);
        txn.exec(kRemoveRemote, split.origins, split.remote);
    };
    co_await context_.db.run("remove_media", std::move(body));
}

}  // namespace weft::storage
