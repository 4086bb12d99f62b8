#include "media_rows.hpp"

namespace weft::storage {

namespace {

constexpr Sql kGet{"get_url_preview", R"sql(
    SELECT response_code, COALESCE(etag, ''), expires_ts, og, COALESCE(media_id, ''), download_ts
    FROM local_media_repository_url_cache WHERE url = $1
    ORDER BY download_ts <= $2 DESC, CASE WHEN download_ts <= $2 THEN -download_ts ELSE download_ts END LIMIT 1)sql"};

constexpr Sql kPut{"put_url_preview", R"sql(
    INSERT INTO local_media_repository_url_cache (url, response_code, etag, expires_ts, og, media_id, download_ts)
    VALUES ($1, $2, $3, $4, $5, $6, $7))sql"};

constexpr Sql kExpire{"expire_url_previews",
                      "DELETE FROM local_media_repository_url_cache WHERE expires_ts < $1"};

constexpr Sql kOldMedia{"old_url_preview_media", "SELECT " WEFT_LOCAL_MEDIA R"sql( FROM local_media_repository
    WHERE url_cache IS NOT NULL AND created_ts < $1 ORDER BY created_ts LIMIT 500)sql"};

}  // namespace

Task<std::optional<UrlPreview>> UrlPreviewStore::get(std::string url, std::int64_t at_ms) {
    const auto rows = co_await context_.db.query(kGet, url, at_ms);
    if (rows.empty()) co_return std::nullopt;
    const auto row = rows.front();
    UrlPreview out;
    out.response_code = row[0].opt_i64().value_or(0);
    out.etag = row[1].str();
    out.expires_ms = row[2].opt_i64().value_or(0);
    out.open_graph = row[3].str();
    out.media_id = row[4].str();
    out.downloaded_ms = row[5].opt_i64().value_or(0);
    co_return out;
}

Task<void> UrlPreviewStore::put(std::string url, UrlPreview preview) {
    co_await context_.db.query(kPut, url, preview.response_code, preview.etag, preview.expires_ms,
                               preview.open_graph, preview.media_id, preview.downloaded_ms);
}

Task<std::vector<Media>> UrlPreviewStore::expire(std::int64_t expired_ms, std::int64_t fetched_ms) {
    co_await context_.db.query(kExpire, expired_ms);
    std::vector<Media> out;
    for (const auto row : co_await context_.db.query(kOldMedia, fetched_ms)) out.push_back(media_of(row));
    co_return out;
}

}  // namespace weft::storage
