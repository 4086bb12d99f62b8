#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weft/storage/store_context.hpp"

namespace weft::storage {

/// Names a medium: `mxc://<origin>/<media_id>`. An empty origin is this server.
struct MediaKey {
    std::string origin;
    std::string media_id;
};

/// What is known of a medium.
struct Media {
    MediaKey key;
    std::string file_id;  // names its file: the media ID of ours, the filesystem_id of a cached one
    std::string type;
    std::optional<std::int64_t> length;  // none: announced, not uploaded yet
    std::optional<std::string> upload_name;
    std::optional<std::string> user_id;  // none: of a URL preview, or of another server
    std::int64_t created_ms = 0;
    std::optional<std::int64_t> last_access_ms;
    std::optional<std::string> quarantined_by;
    std::optional<std::string> url_cache;  // the URL it was fetched from, for a preview
    bool is_authenticated = false;         // may be downloaded with an access token only
    bool is_safe = false;                  // protected from quarantine
    std::optional<std::string> sha256;     // of its content, in hex
};

struct Thumbnail {
    int width = 0;
    int height = 0;
    std::string method;  // crop or scale
    std::string type;
    std::int64_t length = 0;
};

/// A page of a user's media.
struct MediaPage {
    std::vector<Media> media;
    std::int64_t total = 0;
};

/// How a user's media are ordered: by a column of Synapse's admin API, made safe by the caller.
enum class MediaOrder { kCreated, kLastAccess, kMediaId, kLength, kType, kUploadName, kQuarantinedBy, kSafe };
enum class MediaDirection { kForwards, kBackwards };

/// Uploaded and cached media: their rows; the files are somebody else's.
class MediaStore {
public:
    explicit MediaStore(StoreContext context) : context_{std::move(context)} {}

    /// Announces an upload.
    Task<void> create(std::string media_id, std::string user_id);
    /// The user's announced uploads since `since_ms`, and when the oldest was announced.
    struct Pending {
        std::int64_t count = 0;
        std::int64_t oldest_ms = 0;
    };
    Task<Pending> pending(std::string user_id, std::int64_t since_ms);
    /// Adds an uploaded medium of this server.
    Task<void> add(Media media);
    /// Says what an announced upload turned out to be. False if it was uploaded before, or is gone.
    Task<bool> complete(Media media);

    Task<std::optional<Media>> get(MediaKey key);
    /// Remembers that somebody downloaded it.
    Task<void> accessed(MediaKey key);
    Task<std::vector<Thumbnail>> thumbnails(MediaKey key);
    Task<void> add_thumbnail(Media media, Thumbnail thumbnail);

    Task<MediaPage> of_user(std::string user_id, std::int64_t offset, std::int64_t limit, MediaOrder order,
                            MediaDirection direction);
    /// `mxc://` URIs in the room's events, as `url`, `file.url` or of a thumbnail.
    Task<std::vector<std::string>> uris_in_room(std::string room_id);
    /// Up to 1,000 media of this server that were not accessed since `before_ms` and are greater than
    /// `bytes_min`; but for people's avatars `<keep_avatars_under><media ID>`.
    Task<std::vector<Media>> local_before(std::int64_t before_ms, std::int64_t bytes_min,
                                          std::optional<std::string> keep_avatars_under);
    /// Up to 1,000 cached media of other servers that were not accessed since.
    Task<std::vector<Media>> remote_before(std::int64_t before_ms);

    /// Quarantines media and, of this server's, all that have the same content; protected ones are left out.
    /// Without `by` it is lifted. Returns how many changed.
    Task<std::int64_t> quarantine(std::vector<MediaKey> keys, std::optional<std::string> by);
    Task<std::int64_t> quarantine_user(std::string user_id, std::string by);
    Task<bool> set_safe(std::string media_id, bool is_safe);
    /// Forgets media and their thumbnails.
    Task<void> remove(std::vector<MediaKey> keys);

    /// Announced before `before_ms` and never uploaded: forgotten. Returns how many.
    Task<std::int64_t> remove_unused(std::int64_t before_ms);

private:
    StoreContext context_;
};

/// A preview that was made of a URL.
struct UrlPreview {
    std::int64_t response_code = 200;
    std::string etag;
    std::int64_t expires_ms = 0;
    std::string open_graph;  // JSON
    std::string media_id;    // the page itself
    std::int64_t downloaded_ms = 0;
};

/// Previews of URLs, kept for a while.
class UrlPreviewStore {
public:
    explicit UrlPreviewStore(StoreContext context) : context_{std::move(context)} {}

    /// The newest preview made at or before `at_ms`, or else the oldest.
    Task<std::optional<UrlPreview>> get(std::string url, std::int64_t at_ms);
    Task<void> put(std::string url, UrlPreview preview);
    /// Forgets previews that expired before `expired_ms`, and names the media that were fetched for previews
    /// before `fetched_ms`.
    Task<std::vector<Media>> expire(std::int64_t expired_ms, std::int64_t fetched_ms);

private:
    StoreContext context_;
};

}  // namespace weft::storage
