#pragma once

#include "weft/storage/media_store.hpp"

/// The columns that media_of() reads, of either table.
#define WEFT_LOCAL_MEDIA                                                                           \
    "''::text, media_id, media_id, COALESCE(media_type, ''), media_length, upload_name, user_id, " \
    "COALESCE(created_ts, 0), last_access_ts, quarantined_by, url_cache, authenticated, "          \
    "safe_from_quarantine, sha256"
#define WEFT_REMOTE_MEDIA                                                                              \
    "media_origin, media_id, filesystem_id, COALESCE(media_type, ''), media_length, upload_name, "     \
    "NULL::text, COALESCE(created_ts, 0), last_access_ts, quarantined_by, NULL::text, authenticated, " \
    "false, sha256"

namespace weft::storage {

inline Media media_of(const Rows::Row& row) {
    Media out;
    out.key = {row[0].str(), row[1].str()};
    out.file_id = row[2].str();
    out.type = row[3].str();
    out.length = row[4].opt_i64();
    out.upload_name = row[5].opt_str();
    out.user_id = row[6].opt_str();
    out.created_ms = row[7].i64();
    out.last_access_ms = row[8].opt_i64();
    out.quarantined_by = row[9].opt_str();
    out.url_cache = row[10].opt_str();
    out.is_authenticated = row[11].boolean();
    out.is_safe = row[12].boolean();
    out.sha256 = row[13].opt_str();
    return out;
}

}  // namespace weft::storage
