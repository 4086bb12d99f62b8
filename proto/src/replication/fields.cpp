#include "replication/fields.hpp"

#include <charconv>

#include <fmt/format.h>

namespace weft::proto::replication {

std::string python_repr(std::string_view text) {
    const char quote = text.find('\'') != text.npos && text.find('"') == text.npos ? '"' : '\'';
    std::string out(1, quote);
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == quote || c == '\\') {
            out += '\\';
            out += c;
        } else if (c == '\n') {
            out += "\\n";
        } else if (c == '\r') {
            out += "\\r";
        } else if (c == '\t') {
            out += "\\t";
        } else if (byte < 0x20 || byte == 0x7f) {
            out += fmt::format("\\x{:02x}", byte);
        } else {
            out += c;
        }
    }
    return out += quote;
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r\n\v\f";
    const auto first = text.find_first_not_of(kSpace);
    if (first == text.npos) return std::nullopt;
    text = text.substr(first, text.find_last_not_of(kSpace) - first + 1);
    if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

void Fields::split(std::size_t min, std::size_t max) {
    auto left = rest_;
    while (fields_.size() + 1 < max) {
        const auto space = left.find(' ');
        if (space == left.npos) break;
        fields_.push_back(left.substr(0, space));
        left.remove_prefix(space + 1);
    }
    fields_.push_back(left);
    if (fields_.size() < min) {
        fail(fmt::format("ValueError('not enough values to unpack (expected {}, got {})')", min,
                         fields_.size()));
        fields_.clear();
    }
}

std::int64_t Fields::integer() {
    const auto text = next();
    if (const auto value = parse_integer(text)) return *value;
    fail(fmt::format("ValueError({})",
                     python_repr("invalid literal for int() with base 10: " + python_repr(text))));
    return 0;
}

}  // namespace weft::proto::replication
