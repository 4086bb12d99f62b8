#include "weft/proto/json.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <iterator>
#include <vector>

#include <fmt/format.h>

namespace weft::proto {

namespace {

constexpr std::int64_t kCanonicalIntMax = 9007199254740991;  // 2^53 - 1
enum class KeyOrder { kAsStored, kSorted };

void append_number(std::string& out, double number) {
    if (std::trunc(number) == number && std::abs(number) <= static_cast<double>(kCanonicalIntMax)) {
        fmt::format_to(std::back_inserter(out), "{}", static_cast<std::int64_t>(number));
    } else {
        fmt::format_to(std::back_inserter(out), "{}", number);  // shortest text that reads back the same
    }
}

template <KeyOrder kOrder>
void append_value(std::string& out, const json::value& value);

template <class Number>
void append_integer(std::string& out, Number number) {
    const fmt::format_int text{number};
    out.append(text.data(), text.size());
}

void append_member(std::string& out, const json::key_value_pair& member, bool first) {
    if (!first) out += ',';
    append_json_string(out, member.key());
    out += ':';
}

bool contains(std::span<const std::string_view> keys, std::string_view key) {
    return std::ranges::find(keys, key) != keys.end();
}

template <KeyOrder kOrder>
void append_object(std::string& out, const json::object& object,
                   std::span<const std::string_view> without = {}) {
    out += '{';
    bool first = true;
    if constexpr (kOrder == KeyOrder::kAsStored) {
        for (const auto& member : object) {
            append_member(out, member, first);
            append_value<kOrder>(out, member.value());
            first = false;
        }
    } else {
        std::vector<const json::key_value_pair*> members;
        members.reserve(object.size());
        for (const auto& member : object) {
            if (without.empty() || !contains(without, member.key())) members.push_back(&member);
        }
        // UTF-8 sorts bytewise as its code points do.
        std::ranges::sort(members, {}, [](const auto* m) { return std::string_view{m->key()}; });
        for (const auto* member : members) {
            append_member(out, *member, first);
            append_value<kOrder>(out, member->value());
            first = false;
        }
    }
    out += '}';
}

template <KeyOrder kOrder>
void append_value(std::string& out, const json::value& value) {
    switch (value.kind()) {
        case json::kind::null:
            out += "null";
            return;
        case json::kind::bool_:
            out += value.get_bool() ? "true" : "false";
            return;
        case json::kind::int64:
            append_integer(out, value.get_int64());
            return;
        case json::kind::uint64:
            append_integer(out, value.get_uint64());
            return;
        case json::kind::double_:
            append_number(out, value.get_double());
            return;
        case json::kind::string:
            append_json_string(out, value.get_string());
            return;
        case json::kind::object:
            append_object<kOrder>(out, value.get_object());
            return;
        case json::kind::array:
            break;
    }
    out += '[';
    bool first = true;
    for (const auto& item : value.get_array()) {
        if (!first) out += ',';
        append_value<kOrder>(out, item);
        first = false;
    }
    out += ']';
}

}  // namespace

const json::value* find(const json::object& object, std::string_view key) {
    return object.if_contains(key);
}

std::optional<std::string_view> get_string(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    if (!value || !value->is_string()) return std::nullopt;
    return std::string_view{value->get_string()};
}

std::optional<std::int64_t> as_int(const json::value& value) {
    if (value.is_int64()) return value.get_int64();
    if (value.is_uint64() && value.get_uint64() <= static_cast<std::uint64_t>(INT64_MAX)) {
        return static_cast<std::int64_t>(value.get_uint64());
    }
    return std::nullopt;
}

std::optional<std::int64_t> get_int(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    return value ? as_int(*value) : std::nullopt;
}

std::optional<bool> get_bool(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    if (!value || !value->is_bool()) return std::nullopt;
    return value->get_bool();
}

const json::object* get_object(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    return value ? value->if_object() : nullptr;
}

const json::array* get_array(const json::object& object, std::string_view key) {
    const auto* value = object.if_contains(key);
    return value ? value->if_array() : nullptr;
}

std::string canonical_json(const json::value& value) {
    std::string out;
    append_value<KeyOrder::kSorted>(out, value);
    return out;
}

std::string canonical_json(const json::object& object) {
    return canonical_json_without(object, {});
}

std::string canonical_json_without(const json::object& object, std::span<const std::string_view> keys) {
    std::string out;
    append_object<KeyOrder::kSorted>(out, object, keys);
    return out;
}

core::Result<void> check_canonical(const json::value& value) {
    std::vector<const json::value*> pending{&value};
    while (!pending.empty()) {
        const json::value& current = *pending.back();
        pending.pop_back();
        if (current.is_double()) return core::ParseError{"floats are not allowed here"};
        const bool too_big = current.is_uint64()
                                 ? current.get_uint64() > static_cast<std::uint64_t>(kCanonicalIntMax)
                                 : current.is_int64() && (current.get_int64() > kCanonicalIntMax ||
                                                          current.get_int64() < -kCanonicalIntMax);
        if (too_big) return core::ParseError{"integers must be within 2^53 - 1"};
        if (const auto* object = current.if_object()) {
            for (const auto& member : *object) pending.push_back(&member.value());
        } else if (const auto* array = current.if_array()) {
            for (const auto& item : *array) pending.push_back(&item);
        }
    }
    return {};
}

void append_json_string(std::string& out, std::string_view text) {
    static constexpr char kHex[] = "0123456789abcdef";
    out += '"';
    std::size_t run = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        if (c >= 0x20 && c != '"' && c != '\\') continue;
        out.append(text, run, i - run);
        run = i + 1;
        out += '\\';
        switch (c) {
            case '"':
            case '\\':
                out += static_cast<char>(c);
                break;
            case '\b':
                out += 'b';
                break;
            case '\t':
                out += 't';
                break;
            case '\n':
                out += 'n';
                break;
            case '\f':
                out += 'f';
                break;
            case '\r':
                out += 'r';
                break;
            default:
                out += "u00";
                out += kHex[c >> 4];
                out += kHex[c & 15];
        }
    }
    out.append(text, run);
    out += '"';
}

void append_json(std::string& out, const json::value& value) {
    append_value<KeyOrder::kAsStored>(out, value);
}
void append_json(std::string& out, const json::object& object) {
    append_object<KeyOrder::kAsStored>(out, object);
}

std::string to_json(const json::value& value) {
    std::string out;
    append_json(out, value);
    return out;
}

std::string to_json(const json::object& object) {
    std::string out;
    append_json(out, object);
    return out;
}

std::string_view truncate_utf8(std::string_view text, std::size_t bytes_max) {
    if (text.size() <= bytes_max) return text;
    std::size_t end = bytes_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    return text.substr(0, end);
}

bool is_valid_utf8(std::string_view text) {
    std::size_t i = 0;
    while (i < text.size()) {
        // Mostly all is ASCII: eight bytes at a time.
        for (std::uint64_t word = 0; i + sizeof word <= text.size(); i += sizeof word) {
            std::memcpy(&word, text.data() + i, sizeof word);
            if ((word & 0x8080808080808080) != 0) break;
        }
        if (i == text.size()) break;
        const auto lead = static_cast<unsigned char>(text[i]);
        if (lead < 0x80) {
            ++i;
            continue;
        }
        const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
        if (lead < 0xC2 || lead > 0xF4 || i + length > text.size()) return false;
        char32_t code_point = lead & (0x7F >> length);
        for (std::size_t k = 1; k < length; ++k) {
            const auto next = static_cast<unsigned char>(text[i + k]);
            if ((next & 0xC0) != 0x80) return false;
            code_point = code_point << 6 | (next & 0x3F);
        }
        static constexpr std::array<char32_t, 5> kSmallest{0, 0, 0x80, 0x800, 0x10000};
        const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
        if (code_point < kSmallest[length] || code_point > 0x10FFFF || surrogate) return false;
        i += length;
    }
    return true;
}

}  // namespace weft::proto
