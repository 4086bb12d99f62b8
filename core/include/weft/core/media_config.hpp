#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "weft/core/rate_limiter.hpp"

namespace weft::core {

/// A size in which thumbnails are made.
struct ThumbnailSize {
    int width = 0;
    int height = 0;
    std::string method;  // crop or scale
};

/// An S3-compatible store that keeps what media_store_path has; that directory is a cache then.
struct S3Config {
    std::string endpoint_url;  // e.g. https://s3.eu-central-1.amazonaws.com
    std::string bucket;
    std::string region = "us-east-1";
    std::string access_key_id;
    std::string secret_access_key;
    std::string prefix;  // in front of each object's key
    bool is_set() const { return !bucket.empty(); }
};

/// Uploads, downloads, thumbnails and previews of URLs.
struct MediaConfig {
    bool enabled = true;
    std::string store_path = "media_store";
    std::size_t upload_bytes_max = 50 * 1024 * 1024;
    std::size_t image_pixels_max = 32 * 1024 * 1024;
    bool dynamic_thumbnails = false;
    std::vector<ThumbnailSize> thumbnail_sizes{
        {32, 32, "crop"}, {96, 96, "crop"}, {320, 240, "scale"}, {640, 480, "scale"}, {800, 600, "scale"}};
    bool require_authentication = true;  // enable_authenticated_media
    std::int64_t unused_expiry_ms = 24 * 3'600'000;
    std::size_t pending_uploads_max = 5;
    RateLimit rc_create{10, 50};
    S3Config s3;

    bool previews_enabled = false;
    std::vector<std::string> preview_blocked_networks;
    std::vector<std::string> preview_allowed_networks;
    std::size_t preview_bytes_max = 10 * 1024 * 1024;
    std::vector<std::string> preview_languages{"en"};
};

}  // namespace weft::core
