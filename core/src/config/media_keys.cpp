#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>

#include "config/key.hpp"

namespace weft::core::config {
namespace {

/// Each method's sizes are chosen from, so there has to be one that can serve anything.
void read_thumbnail_sizes(Config& config, const Place& at) {
    config.media.thumbnail_sizes.clear();
    for_each_item(at, [&](const Place& item) {
        ThumbnailSize size;
        for_each_entry(item, [&](const std::string& key, const Place& value) {
            if (key == "width") {
                size.width = static_cast<int>(read_integer(value, 1, 10'000));
            } else if (key == "height") {
                size.height = static_cast<int>(read_integer(value, 1, 10'000));
            } else if (key == "method") {
                size.method = read_string(value);
                if (size.method != "crop" && size.method != "scale") value.fail("expected crop or scale");
            } else {
                value.fail("unknown key");
            }
        });
        if (size.width == 0 || size.height == 0 || size.method.empty())
            item.fail("needs width, height and method");
        config.media.thumbnail_sizes.push_back(std::move(size));
    });
    if (config.media.thumbnail_sizes.empty()) at.fail("names no size");
}

Key string_in(std::string name, std::string text, std::string S3Config::*member) {
    return {std::move(name),
            "string",
            std::move(text),
            [member](Config& config, const Place& at) { config.media.s3.*member = read_string(at); },
            {}};
}

void check_network(const Place& at) {
    const auto text = read_string(at);
    const bool is_v6 = text.find(':') != std::string::npos;
    const auto whole = text.find('/') != std::string::npos ? text : text + (is_v6 ? "/128" : "/32");
    boost::system::error_code error;
    if (is_v6) {
        boost::asio::ip::make_network_v6(whole, error);
    } else {
        boost::asio::ip::make_network_v4(whole, error);
    }
    if (error) at.fail("expected a network, e.g. 10.0.0.0/8 or fe80::/10");
}

Key networks_key(std::string name, std::string text, std::vector<std::string> MediaConfig::*member) {
    return {std::move(name),
            "list",
            std::move(text),
            [member](Config& config, const Place& at) {
                for_each_item(at, check_network);
                config.media.*member = read_strings(at);
            },
            {}};
}

Key flag_key(std::string name, std::string text, bool MediaConfig::*member) {
    return {std::move(name),
            "boolean",
            std::move(text),
            [member](Config& config, const Place& at) { config.media.*member = read_bool(at); },
            {}};
}

Key size_key(std::string name, std::string text, std::size_t MediaConfig::*member) {
    return {std::move(name),
            "string",
            std::move(text),
            [member](Config& config, const Place& at) { config.media.*member = read_size(at); },
            {}};
}

}  // namespace

std::vector<Key> media_keys() {
    return {
        flag_key("enable_media_repo", "Whether media can be uploaded and downloaded.", &MediaConfig::enabled),
        {"media_store_path",
         "string",
         "Directory of uploaded files; all processes that serve media must see the same.",
         [](Config& config, const Place& at) { config.media.store_path = read_string(at); },
         {}},
        size_key("max_upload_size", "Greatest upload, e.g. 50M.", &MediaConfig::upload_bytes_max),
        size_key("max_image_pixels", "Greatest image of which thumbnails are made, in pixels, e.g. 32M.",
                 &MediaConfig::image_pixels_max),
        flag_key("dynamic_thumbnails", "Make thumbnails of the very size that is asked for.",
                 &MediaConfig::dynamic_thumbnails),
        {"thumbnail_sizes",
         "list",
         "Sizes of thumbnails: width, height, method (crop or scale).",
         read_thumbnail_sizes,
         {}},
        flag_key("enable_authenticated_media",
                 "Whether media uploaded from now on can be downloaded with an access token only.",
                 &MediaConfig::require_authentication),
        {"unused_expiration_time",
         "string",
         "How long an announced upload may stay empty, e.g. 24h.",
         [](Config& config, const Place& at) { config.media.unused_expiry_ms = read_duration_ms(at); },
         {}},
        {"max_pending_media_uploads",
         "integer",
         "Announced uploads that a user may have.",
         [](Config& config, const Place& at) {
             config.media.pending_uploads_max = static_cast<std::size_t>(read_integer(at, 0, 1'000'000));
         },
         {}},
        limit_key("rc_media_create", "Limit of announcing uploads, by user.",
                  [](Config& config) -> RateLimit& { return config.media.rc_create; }),
        {"media_s3",
         "map",
         "An S3-compatible store that keeps all media; media_store_path is a cache then.",
         nullptr,
         {string_in("endpoint_url", "URL of the store; the bucket is named in the path.",
                    &S3Config::endpoint_url),
          string_in("bucket", "Name of the bucket.", &S3Config::bucket),
          string_in("region_name", "Region, as requests are signed for.", &S3Config::region),
          string_in("access_key_id", "Name of the key that signs requests.", &S3Config::access_key_id),
          string_in("secret_access_key", "The key itself.", &S3Config::secret_access_key),
          string_in("prefix", "In front of every object's key.", &S3Config::prefix)}},
        flag_key("url_preview_enabled", "Whether the server fetches URLs for previews.",
                 &MediaConfig::previews_enabled),
        networks_key("url_preview_ip_range_blacklist",
                     "Networks that are never asked for a preview; needed beside url_preview_enabled.",
                     &MediaConfig::preview_blocked_networks),
        networks_key("url_preview_ip_range_whitelist", "Exceptions from url_preview_ip_range_blacklist.",
                     &MediaConfig::preview_allowed_networks),
        size_key("max_spider_size", "Most that is read of a page for its preview, e.g. 10M.",
                 &MediaConfig::preview_bytes_max),
        {"url_preview_accept_language",
         "list",
         "Languages in which previews are asked for, best first.",
         [](Config& config, const Place& at) { config.media.preview_languages = read_strings(at); },
         {}},
    };
}

}  // namespace weft::core::config
