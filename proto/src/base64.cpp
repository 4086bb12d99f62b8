#include <array>
#include <cstdint>

#include "weft/proto/crypto.hpp"

namespace weft::proto {

namespace {

constexpr std::string_view kStandard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrlSafe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint8_t kNotInAlphabet = 255;

constexpr std::array<std::uint8_t, 256> reverse_of(std::string_view alphabet) {
    std::array<std::uint8_t, 256> table{};
    table.fill(kNotInAlphabet);
    for (std::size_t i = 0; i < alphabet.size(); ++i) {
        table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
    }
    return table;
}

constexpr auto kStandardReverse = reverse_of(kStandard);
constexpr auto kUrlSafeReverse = reverse_of(kUrlSafe);

std::string encode(std::string_view bytes, std::string_view alphabet) {
    std::string out;
    out.reserve((bytes.size() * 4 + 2) / 3);
    std::uint32_t buffer = 0;
    int bits = 0;
    for (const char c : bytes) {
        buffer = buffer << 8 | static_cast<unsigned char>(c);
        for (bits += 8; bits >= 6;) {
            bits -= 6;
            out += alphabet[buffer >> bits & 63];
        }
    }
    if (bits > 0) out += alphabet[buffer << (6 - bits) & 63];
    return out;
}

core::Result<std::string> decode(std::string_view text, const std::array<std::uint8_t, 256>& table) {
    for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
    if (text.size() % 4 == 1) return core::ParseError{"base64 text has an impossible length"};
    std::string out;
    out.reserve(text.size() * 3 / 4);
    std::uint32_t buffer = 0;
    int bits = 0;
    for (const char c : text) {
        const auto value = table[static_cast<unsigned char>(c)];
        if (value == kNotInAlphabet)
            return core::ParseError{"base64 text holds a character that is not of its alphabet"};
        buffer = buffer << 6 | value;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out += static_cast<char>(buffer >> bits & 255);
        }
    }
    return out;
}

}  // namespace

std::string base64_encode(std::string_view bytes) {
    return encode(bytes, kStandard);
}
std::string base64_url_encode(std::string_view bytes) {
    return encode(bytes, kUrlSafe);
}
core::Result<std::string> base64_decode(std::string_view text) {
    return decode(text, kStandardReverse);
}
core::Result<std::string> base64_url_decode(std::string_view text) {
    return decode(text, kUrlSafeReverse);
}

}  // namespace weft::proto
