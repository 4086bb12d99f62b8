#include "weft/proto/replication/ascii_json.hpp"

#include <cmath>

#include <fmt/format.h>

#include "replication/fields.hpp"
#include "weft/proto/json.hpp"

namespace weft::proto::replication {
namespace {

void append_escape(std::string& out, unsigned unit) {
    fmt::format_to(std::back_inserter(out), "\\u{:04x}", unit);
}

/// The code point that begins at `at`, which moves behind it. What is not UTF-8 becomes U+FFFD: JSON cannot
/// carry it.
char32_t next_code_point(std::string_view text, std::size_t& at) {
    constexpr char32_t kReplacement = 0xfffd;
    const auto lead = static_cast<unsigned char>(text[at++]);
    const int tail = lead >= 0xf0 && lead < 0xf5 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc2 ? 1 : 0;
    if (tail == 0 || lead >= 0xf5) return kReplacement;
    char32_t point = lead & (0x3fU >> tail);
    for (int i = 0; i < tail; ++i) {
        if (at >= text.size() || (static_cast<unsigned char>(text[at]) & 0xc0) != 0x80) return kReplacement;
        point = point << 6 | (static_cast<unsigned char>(text[at++]) & 0x3f);
    }
    return point;
}

void append_string(std::string& out, std::string_view text) {
    out += '"';
    for (std::size_t at = 0; at < text.size();) {
        const auto byte = static_cast<unsigned char>(text[at]);
        if (byte >= 0x80) {
            const auto point = next_code_point(text, at);
            if (point < 0x10000) {
                append_escape(out, point);
            } else {
                append_escape(out, 0xd800 + ((point - 0x10000) >> 10));
                append_escape(out, 0xdc00 + ((point - 0x10000) & 0x3ff));
            }
            continue;
        }
        ++at;
        switch (byte) {
            case '"':
                out += "\\\"";
                break;
            case '\\':
                out += "\\\\";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\r':
                out += "\\r";
                break;
            case '\t':
                out += "\\t";
                break;
            case '\b':
                out += "\\b";
                break;
            case '\f':
                out += "\\f";
                break;
            default:
                if (byte < 0x20) {
                    append_escape(out, byte);
                } else {
                    out += static_cast<char>(byte);
                }
        }
    }
    out += '"';
}

void append_double(std::string& out, double number) {
    if (!std::isfinite(number)) {  // has no JSON; cannot come from a parser, only from a bug
        out += "null";
        return;
    }
    const auto text = fmt::format("{}", number);
    out += text;
    if (text.find_first_of(".e") == text.npos) out += ".0";
}

}  // namespace

void append_ascii_json(std::string& out, const json::value& value) {
    switch (value.kind()) {
        case json::kind::null:
            out += "null";
            break;
        case json::kind::bool_:
            out += value.get_bool() ? "true" : "false";
            break;
        case json::kind::int64:
            fmt::format_to(std::back_inserter(out), "{}", value.get_int64());
            break;
        case json::kind::uint64:
            fmt::format_to(std::back_inserter(out), "{}", value.get_uint64());
            break;
        case json::kind::double_:
            append_double(out, value.get_double());
            break;
        case json::kind::string:
            append_string(out, value.get_string());
            break;
        case json::kind::array: {
            out += '[';
            bool first = true;
            for (const auto& item : value.get_array()) {
                if (!first) out += ", ";
                first = false;
                append_ascii_json(out, item);
            }
            out += ']';
            break;
        }
        case json::kind::object: {
            out += '{';
            bool first = true;
            for (const auto& [key, item] : value.get_object()) {
                if (!first) out += ", ";
                first = false;
                append_string(out, key);
                out += ": ";
                append_ascii_json(out, item);
            }
            out += '}';
            break;
        }
    }
}

std::string to_ascii_json(const json::value& value) {
    std::string out;
    append_ascii_json(out, value);
    return out;
}

core::Result<json::value> parse_row_json(std::string_view text) {
    auto value = parse_json(text);
    if (!value) return core::ParseError{"JSONDecodeError(" + python_repr(value.error().message) + ")"};
    return value;
}

}  // namespace weft::proto::replication
