#include "weft/storage/media_store.hpp"

#include "media_rows.hpp"

namespace weft::storage {

namespace {

constexpr Sql kCreate{"create_media", R"sql(
    INSERT INTO local_media_repository (media_id, created_ts, user_id) VALUES ($1, $2, $3))sql"};

constexpr Sql kPending{"count_pending_media", R"sql(
    SELECT count(*), COALESCE(min(created_ts), 0) FROM local_media_repository
    WHERE user_id = $1 AND media_length IS NULL AND created_ts > $2)sql"};

constexpr Sql kAdd{"add_media", R"sql(
    INSERT INTO local_media_repository
        (media_id, media_type, media_length, created_ts, upload_name, user_id, url_cache, authenticated, sha256)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9))sql"};

constexpr Sql kComplete{"complete_media", R"sql(
    UPDATE local_media_repository
    SET media_type = $2, media_length = $3, upload_name = $4, authenticated = $5, sha256 = $6
    WHERE media_id = $1 AND media_length IS NULL)sql"};

constexpr Sql kGetLocal{"get_local_media",
                        "SELECT " WEFT_LOCAL_MEDIA " FROM local_media_repository WHERE media_id = $1"};

constexpr Sql kGetRemote{"get_remote_media", "SELECT " WEFT_REMOTE_MEDIA R"sql( FROM remote_media_cache
    WHERE media_origin = $1 AND media_id = $2)sql"};

/// Once an hour is enough: nobody asks more exactly.
constexpr Sql kAccessedLocal{"local_media_accessed", R"sql(
    UPDATE local_media_repository SET last_access_ts = $2::bigint
    WHERE media_id = $1 AND COALESCE(last_access_ts, 0) < $2::bigint - 3600000)sql"};

constexpr Sql kAccessedRemote{"remote_media_accessed", R"sql(
    UPDATE remote_media_cache SET last_access_ts = $3::bigint
    WHERE media_origin = $1 AND media_id = $2 AND COALESCE(last_access_ts, 0) < $3::bigint - 3600000)sql"};

constexpr Sql kLocalThumbnails{"local_thumbnails", R"sql(
    SELECT thumbnail_width, thumbnail_height, thumbnail_method, thumbnail_type, thumbnail_length
    FROM local_media_repository_thumbnails WHERE media_id = $1)sql"};

constexpr Sql kRemoteThumbnails{"remote_thumbnails", R"sql(
    SELECT thumbnail_width, thumbnail_height, thumbnail_method, thumbnail_type, thumbnail_length
    FROM remote_media_cache_thumbnails WHERE media_origin = $1 AND media_id = $2)sql"};

constexpr Sql kAddLocalThumbnail{"add_local_thumbnail", R"sql(
    INSERT INTO local_media_repository_thumbnails
        (media_id, thumbnail_width, thumbnail_height, thumbnail_method, thumbnail_type, thumbnail_length)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING)sql"};

constexpr Sql kAddRemoteThumbnail{"add_remote_thumbnail", R"sql(
    INSERT INTO remote_media_cache_thumbnails
        (media_origin, media_id, thumbnail_width, thumbnail_height, thumbnail_method, thumbnail_type,
         thumbnail_length, filesystem_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING)sql"};

constexpr Sql kRemoveUnused{"remove_unused_media", R"sql(
    DELETE FROM local_media_repository WHERE media_length IS NULL AND created_ts < $1)sql"};

}  // namespace

Task<void> MediaStore::create(std::string media_id, std::string user_id) {
    co_await context_.db.query(kCreate, media_id, context_.clock.now_ms(), user_id);
}

Task<MediaStore::Pending> MediaStore::pending(std::string user_id, std::int64_t since_ms) {
    const auto rows = co_await context_.db.query(kPending, user_id, since_ms);
    co_return Pending{rows.front()[0].i64(), rows.front()[1].i64()};
}

Task<void> MediaStore::add(Media media) {
    co_await context_.db.query(kAdd, media.key.media_id, media.type, media.length, context_.clock.now_ms(),
                               media.upload_name, media.user_id, media.url_cache, media.is_authenticated,
                               media.sha256);
}

Task<bool> MediaStore::complete(Media media) {
    const auto result = co_await context_.db.query(kComplete, media.key.media_id, media.type, media.length,
                                                   media.upload_name, media.is_authenticated, media.sha256);
    co_return result.affected() == 1;
}

Task<std::optional<Media>> MediaStore::get(MediaKey key) {
    const auto rows = key.origin.empty() ? co_await context_.db.query(kGetLocal, key.media_id)
                                         : co_await context_.db.query(kGetRemote, key.origin, key.media_id);
    if (rows.empty()) co_return std::nullopt;
    co_return media_of(rows.front());
}

Task<void> MediaStore::accessed(MediaKey key) {
    const auto now_ms = context_.clock.now_ms();
    if (key.origin.empty()) {
        co_await context_.db.query(kAccessedLocal, key.media_id, now_ms);
    } else {
        co_await context_.db.query(kAccessedRemote, key.origin, key.media_id, now_ms);
    }
}

Task<std::vector<Thumbnail>> MediaStore::thumbnails(MediaKey key) {
    const auto rows = key.origin.empty()
                          ? co_await context_.db.query(kLocalThumbnails, key.media_id)
                          : co_await context_.db.query(kRemoteThumbnails, key.origin, key.media_id);
    std::vector<Thumbnail> out;
    for (const auto row : rows) {
        out.push_back({static_cast<int>(row[0].i64()), static_cast<int>(row[1].i64()), row[2].str(),
                       row[3].str(), row[4].i64()});
    }
    co_return out;
}

Task<void> MediaStore::add_thumbnail(Media media, Thumbnail thumbnail) {
    const auto& key = media.key;
    if (key.origin.empty()) {
        co_await context_.db.query(kAddLocalThumbnail, key.media_id, thumbnail.width, thumbnail.height,
                                   thumbnail.method, thumbnail.type, thumbnail.length);
    } else {
        co_await context_.db.query(kAddRemoteThumbnail, key.origin, key.media_id, thumbnail.width,
                                   thumbnail.height, thumbnail.method, thumbnail.type, thumbnail.length,
                                   media.file_id);
    }
}

Task<std::int64_t> MediaStore::remove_unused(std::int64_t before_ms) {
    const auto result = co_await context_.db.query(kRemoveUnused, before_ms);
    co_return static_cast<std::int64_t>(result.affected());
}

}  // namespace weft::storage
