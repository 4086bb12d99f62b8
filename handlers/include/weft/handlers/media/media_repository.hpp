#pragma once

#include <optional>
#include <string>
#include <unordered_set>

#include "weft/core/clock.hpp"
#include "weft/core/config.hpp"
#include "weft/core/linearizer.hpp"
#include "weft/core/rate_limiter.hpp"
#include "weft/handlers/media/media_files.hpp"
#include "weft/handlers/media/thumbnails.hpp"
#include "weft/storage/media_store.hpp"

namespace weft::handlers {

/// What is uploaded.
struct Upload {
    std::string user_id;
    std::string content_type;
    std::optional<std::string> filename;
    http::BodyStreamPtr body;
};

/// Which medium, and how it is asked for.
struct MediaQuery {
    std::string origin;
    std::string media_id;
    bool is_authenticated = false;  // by an endpoint that wants an access token
    std::int64_t timeout_ms = 0;    // how long to wait for an upload that was announced
};

/// A medium's content, or a thumbnail of it.
struct FoundMedia {
    storage::Media media;
    std::string type;
    MediaFile file;
};

/// Uploads, downloads and thumbnails. Media of other servers are found if they were cached before.
class MediaRepository {
public:
    MediaRepository(storage::MediaStore& store, MediaFiles& files, const core::Config& config,
                    const core::Clock& clock);

    /// Stores what is uploaded; its media ID.
    Task<std::string> upload(Upload upload);
    struct Announced {
        std::string media_id;
        std::int64_t expires_ms = 0;
    };
    /// A media ID for something that will be uploaded later. Throws M_LIMIT_EXCEEDED for users who have
    /// announced too much.
    Task<Announced> announce(std::string user_id);
    /// Throws M_NOT_FOUND (expired, too), M_FORBIDDEN for another's, M_CANNOT_OVERWRITE_MEDIA.
    Task<void> upload_announced(std::string origin, std::string media_id, Upload upload);

    /// Throws M_NOT_FOUND for unknown, quarantined and frozen media, M_NOT_YET_UPLOADED (504).
    Task<FoundMedia> content(MediaQuery query);
    /// Besides: M_UNKNOWN where there can be no thumbnail, M_TOO_LARGE.
    Task<FoundMedia> thumbnail(MediaQuery query, ThumbnailRequest request);

    /// Stores what was fetched for a preview.
    Task<storage::Media> add_for_preview(std::string url, std::string content_type, std::string content);
    /// Of an image that is stored here; nothing if it is none that can be read.
    Task<std::optional<ImageSize>> image_size(storage::Media media);

    /// Deletes rows and files.
    Task<void> remove(std::vector<storage::Media> media);
    /// Forgets announced uploads that never came.
    Task<void> remove_unused();

    std::string uri(const std::string& media_id) const {
        return "mxc://" + config_.server_name + "/" + media_id;
    }
    bool is_ours(const std::string& origin) const { return origin == config_.server_name; }
    /// The key of `origin`'s medium.
    storage::MediaKey key(const std::string& origin, const std::string& media_id) const;

private:
    Task<storage::Media> find(MediaQuery query);
    Task<storage::Media> store(storage::Media media, Upload upload);
    Task<FoundMedia> make_thumbnail(storage::Media media, core::ThumbnailSize size, bool animated);

    bool may_be_animated(const storage::Media& media) const;
    void remember_still(const storage::Media& media);

    storage::MediaStore& store_;
    MediaFiles& files_;
    const core::Config& config_;
    const core::Clock& clock_;
    core::RateLimiter announcements_;
    ThumbnailMaker thumbnails_;
    std::unordered_set<std::string>
        still_;  // media that turned out to be no animation, though of such a type
    core::Linearizer making_{
        "thumbnails"};  // one at a time of a medium: the second finds what the first made
};

}  // namespace weft::handlers
