#include "media/media_response.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "weft/http/uri.hpp"

namespace weft::rest {
namespace {

constexpr std::string_view kInlineTypes[] = {
    "text/css",    "text/plain", "text/csv",    "application/json", "application/ld+json",
    "image/jpeg",  "image/gif",  "image/png",   "image/apng",       "image/webp",
    "image/avif",  "video/mp4",  "video/webm",  "video/ogg",        "video/quicktime",
    "audio/mp4",   "audio/webm", "audio/aac",   "audio/mpeg",       "audio/ogg",
    "audio/wave",  "audio/wav",  "audio/x-wav", "audio/x-pn-wav",   "audio/flac",
    "audio/x-flac"};

constexpr std::string_view kPolicy =
    "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src "
    "'unsafe-inline'; "
    "media-src 'self'; object-src 'self';";

std::string essence(std::string_view content_type) {
    std::string out{content_type.substr(0, content_type.find(';'))};
    while (out.ends_with(' ')) out.pop_back();
    std::ranges::transform(out, out.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return out;
}

/// May it stand between quotes as it is?
bool is_plain(std::string_view name) {
    return std::ranges::all_of(name, [](char c) { return c >= ' ' && c < 0x7f && c != '"' && c != '\\'; });
}

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t out = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc{} || stop != text.data() + text.size()) return std::nullopt;
    return out;
}

}  // namespace

std::string content_disposition(std::string_view content_type, const std::optional<std::string>& filename) {
    const bool is_inline = std::ranges::find(kInlineTypes, essence(content_type)) != std::end(kInlineTypes);
    const std::string_view kind = is_inline ? "inline" : "attachment";
    if (!filename || filename->empty()) return std::string{kind};
    if (is_plain(*filename)) return fmt::format("{}; filename=\"{}\"", kind, *filename);
    return fmt::format("{}; filename*=utf-8''{}", kind, http::percent_encode(*filename));
}

RangeKind parse_range(std::string_view field, std::uint64_t length, ByteRange& range) {
    constexpr std::string_view kUnit = "bytes=";
    const auto dash = field.find('-');
    if (!field.starts_with(kUnit) || dash == std::string_view::npos ||
        field.find(',') != std::string_view::npos)
        return RangeKind::kWhole;
    const auto from = field.substr(kUnit.size(), dash - kUnit.size());
    const auto to = field.substr(dash + 1);
    const auto first = number(from);
    const auto last = number(to);
    if ((!first && !from.empty()) || (!last && !to.empty()) || (!first && !last)) return RangeKind::kWhole;
    if (!first) {  // the last so many bytes
        if (*last == 0 || length == 0) return RangeKind::kUnsatisfiable;
        range = {length - std::min(length, *last), length - 1};
        return RangeKind::kPart;
    }
    if (last && *last < *first) return RangeKind::kWhole;
    if (*first >= length) return RangeKind::kUnsatisfiable;
    range = {*first, std::min(last.value_or(length - 1), length - 1)};
    return RangeKind::kPart;
}

http::Response media_response(const http::Request& request, const handlers::FoundMedia& found,
                              const std::optional<std::string>& filename) {
    const auto& file = found.file;
    http::Response response;
    response.content_type = found.type;
    if (essence(found.type).starts_with("text/") && found.type.find("charset") == std::string::npos)
        response.content_type += "; charset=UTF-8";
    auto& headers = response.headers;
    headers.set("Content-Disposition", content_disposition(found.type, filename));
    headers.set("Content-Security-Policy", std::string{kPolicy});
    headers.set("Cross-Origin-Resource-Policy", "cross-origin");
    headers.set("X-Content-Type-Options", "nosniff");
    headers.set("Referrer-Policy", "no-referrer");
    headers.set("X-Robots-Tag", "noindex, nofollow, noarchive, noimageindex");
    // What has an ID never changes.
    headers.set("Cache-Control", found.media.is_authenticated ? "private, max-age=86400, immutable"
                                                              : "public, max-age=86400, s-maxage=86400");
    headers.set("Accept-Ranges", "bytes");

    ByteRange range{0, file.length == 0 ? 0 : file.length - 1};
    const auto asked = request.headers.get("Range");
    switch (asked ? parse_range(*asked, file.length, range) : RangeKind::kWhole) {
        case RangeKind::kUnsatisfiable:
            response = http::Response{416, R"({"errcode":"M_UNKNOWN","error":"There is no such range"})"};
            response.headers.set("Content-Range", fmt::format("bytes */{}", file.length));
            return response;
        case RangeKind::kPart:
            response.status = 206;
            headers.set("Content-Range", fmt::format("bytes {}-{}/{}", range.first, range.last, file.length));
            response.body_stream = file.body(range.first, range.last - range.first + 1);
            return response;
        case RangeKind::kWhole:
            break;
    }
    response.body_stream = file.body(0, file.length);
    return response;
}

}  // namespace weft::rest
