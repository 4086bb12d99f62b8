#include "weft/handlers/media/media_paths.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "weft/core/errors.hpp"
#include "weft/proto/ids.hpp"

namespace weft::handlers {
namespace {

constexpr std::size_t kMediaIdBytesMax = 255;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// Media fetched for previews since 2017 are named `YYYY-MM-DD_…`, so that old ones are found by their
/// directory.
bool is_dated(std::string_view id) {
    constexpr std::string_view kShape = "dddd-dd-dd_";
    if (id.size() <= kShape.size()) return false;
    for (std::size_t i = 0; i < kShape.size(); ++i) {
        if (kShape[i] == 'd' ? !is_digit(id[i]) : id[i] != kShape[i]) return false;
    }
    return true;
}

/// ab/cd/efgh…: no directory gets too many entries.
std::string spread(std::string_view id) {
    if (!is_media_id(id) || id.size() < 5) throw core::MatrixError::not_found("There is no such media");
    return fmt::format("{}/{}/{}", id.substr(0, 2), id.substr(2, 2), id.substr(4));
}

std::string dated_or_spread(std::string_view id) {
    return is_media_id(id) && is_dated(id) ? fmt::format("{}/{}", id.substr(0, 10), id.substr(11))
                                           : spread(id);
}

std::string directory_of(const std::string& origin) {
    const bool is_up = origin == "." || origin == "..";
    if (is_up || !proto::ServerName::parse(origin))
        throw core::MatrixError::not_found("There is no such media");
    return origin;
}

/// image/png as image-png.
std::string type_of(const storage::Thumbnail& thumbnail) {
    auto type = thumbnail.type;
    std::ranges::replace(type, '/', '-');
    return type;
}

}  // namespace

bool is_media_id(std::string_view text) {
    return !text.empty() && text.size() <= kMediaIdBytesMax && std::ranges::all_of(text, [](char c) {
        return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
    });
}

std::string media_path(const storage::Media& media) {
    if (!media.key.origin.empty())
        return fmt::format("remote_content/{}/{}", directory_of(media.key.origin), spread(media.file_id));
    if (media.url_cache) return "url_cache/" + dated_or_spread(media.file_id);
    return "local_content/" + spread(media.file_id);
}

std::string thumbnail_path(const storage::Media& media, const storage::Thumbnail& thumbnail) {
    const auto size = fmt::format("{}-{}-{}", thumbnail.width, thumbnail.height, type_of(thumbnail));
    if (!media.key.origin.empty()) {
        return fmt::format("remote_thumbnail/{}/{}/{}", directory_of(media.key.origin), spread(media.file_id),
                           size);
    }
    if (media.url_cache)
        return fmt::format("url_cache_thumbnails/{}/{}-{}", dated_or_spread(media.file_id), size,
                           thumbnail.method);
    return fmt::format("local_thumbnails/{}/{}-{}", spread(media.file_id), size, thumbnail.method);
}

}  // namespace weft::handlers
