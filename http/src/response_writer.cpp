#include "response_writer.hpp"

#include <array>
#include <ctime>

#include <fmt/format.h>

#include "ascii.hpp"

namespace weft::http {
namespace {

// The values the specification recommends (client-server API, "Web Browser Clients").
constexpr std::string_view kCorsFields =
    "Access-Control-Allow-Origin: *\r\n"
    "Access-Control-Allow-Methods: GET, POST, PUT, DELETE, OPTIONS\r\n"
    "Access-Control-Allow-Headers: X-Requested-With, Content-Type, Authorization\r\n";

/// Fields of the connection and of the framing, which only the server knows.
bool is_ours(std::string_view name) {
    for (const std::string_view ours : {"Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive",
                                        "Date", "Content-Type", "Server"}) {
        if (iequals(name, ours)) return true;
    }
    return false;
}

bool is_token(std::string_view name) {
    for (const char c : name) {
        if (c <= ' ' || c >= 0x7f || c == ':') return false;
    }
    return !name.empty();
}

void append_value(std::string& out, std::string_view value) {
    for (const char c : value) out += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
}

/// The Date field (RFC 9110, 5.6.7), formatted once a second.
std::string_view date_field(std::int64_t now_ms) {
    thread_local std::int64_t formatted_s = -1;
    thread_local std::string text;
    const auto now_s = now_ms / 1000;
    if (now_s != formatted_s) {
        constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
        constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
        const auto time = static_cast<std::time_t>(now_s);
        std::tm utc{};
        gmtime_r(&time, &utc);
        text = fmt::format("Date: {}, {:02} {} {} {:02}:{:02}:{:02} GMT\r\n",
                           kDays[static_cast<std::size_t>(utc.tm_wday)], utc.tm_mday,
                           kMonths[static_cast<std::size_t>(utc.tm_mon)], utc.tm_year + 1900, utc.tm_hour,
                           utc.tm_min, utc.tm_sec);
        formatted_s = now_s;
    }
    return text;
}

bool has_no_body(int status) {
    return status < 200 || status == 204 || status == 304;
}

/// The coding that was applied to the body; tells caches that the answer depends on what was asked for.
ContentCoding compress_body(Response& response, const ResponseTraits& traits, Compressor& compressor,
                            bool& varies) {
    // A stream of known length is a file, which may be asked for in ranges.
    const bool is_large = response.body_stream ? !response.body_stream->length()
                                               : response.body.size() > kCompressBytesMin;
    varies = is_large && is_compressible(response.content_type) &&
             !response.headers.get("Content-Encoding") && response.status != 206;
    if (!varies || traits.accepted == ContentCoding::kIdentity) return ContentCoding::kIdentity;
    if (response.body_stream) {
        response.body_stream =
            std::make_shared<CompressedBody>(std::move(response.body_stream), traits.accepted);
        return traits.accepted;
    }
    auto smaller = compressor.compress(traits.accepted, response.body);
    if (!smaller) return ContentCoding::kIdentity;
    response.body = std::move(*smaller);
    return traits.accepted;
}

}  // namespace

bool wants_cors(std::string_view path) {
    return path.starts_with("/_matrix") || path.starts_with("/_synapse") ||
           path.starts_with("/.well-known/matrix");
}

std::string prepare_response(Response& response, const ResponseTraits& traits, Compressor& compressor,
                             std::int64_t now_ms) {
    if (has_no_body(response.status)) response.body_stream = nullptr;
    if (has_no_body(response.status) || response.body_stream) response.body.clear();
    bool varies = false;
    const auto coding = compress_body(response, traits, compressor, varies);

    std::string head;
    head.reserve(512);
    auto out = std::back_inserter(head);
    fmt::format_to(out, "HTTP/1.1 {} {}\r\n", response.status, reason_phrase(response.status));
    head += date_field(now_ms);
    if (!has_no_body(response.status)) {
        head += "Content-Type: ";
        append_value(head, response.content_type);
        head += "\r\n";
        const auto length = response.body_stream ? response.body_stream->length() : response.body.size();
        // An older client reads until the connection ends.
        if (length)
            fmt::format_to(out, "Content-Length: {}\r\n", *length);
        else if (!traits.http_1_0)
            head += "Transfer-Encoding: chunked\r\n";
    }
    if (coding != ContentCoding::kIdentity)
        fmt::format_to(out, "Content-Encoding: {}\r\n", to_string(coding));
    if (varies && !response.headers.get("Vary")) head += "Vary: Accept-Encoding\r\n";
    // Answers belong to one user at one moment; without this a browser may keep a GET.
    if (!response.headers.get("Cache-Control")) head += "Cache-Control: no-store\r\n";
    if (traits.cors && !response.headers.get("Access-Control-Allow-Origin")) head += kCorsFields;
    for (const auto& [name, value] : response.headers.all()) {
        if (is_ours(name) || !is_token(name)) continue;
        head += name;
        head += ": ";
        append_value(head, value);
        head += "\r\n";
    }
    if (!traits.keep_alive) {
        head += "Connection: close\r\n";
    } else if (traits.http_1_0) {
        head += "Connection: keep-alive\r\n";
    }
    head += "\r\n";
    if (traits.head_only) response.body.clear();
    return head;
}

std::string_view reason_phrase(int status) {
    switch (status) {
        case 100:
            return "Continue";
        case 200:
            return "OK";
        case 201:
            return "Created";
        case 202:
            return "Accepted";
        case 204:
            return "No Content";
        case 206:
            return "Partial Content";
        case 301:
            return "Moved Permanently";
        case 302:
            return "Found";
        case 303:
            return "See Other";
        case 304:
            return "Not Modified";
        case 307:
            return "Temporary Redirect";
        case 308:
            return "Permanent Redirect";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 408:
            return "Request Timeout";
        case 409:
            return "Conflict";
        case 413:
            return "Content Too Large";
        case 414:
            return "URI Too Long";
        case 415:
            return "Unsupported Media Type";
        case 417:
            return "Expectation Failed";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 501:
            return "Not Implemented";
        case 502:
            return "Bad Gateway";
        case 503:
            return "Service Unavailable";
        case 504:
            return "Gateway Timeout";
        default:
            break;
    }
    return status < 400 ? "OK" : "Error";
}

}  // namespace weft::http
