#include <algorithm>
#include <array>
#include <cerrno>

#include <iconv.h>

#include "weft/handlers/media/open_graph.hpp"
#include "weft/proto/json.hpp"

namespace weft::handlers {
namespace {

/// Browsers look no further for a page's own word on its encoding.
constexpr std::size_t kMetaBytesMax = 1'024;
constexpr std::string_view kReplacement = "\xef\xbf\xbd";

std::string lower(std::string_view text) {
    std::string out{text};
    std::ranges::transform(out, out.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return out;
}

/// The name behind `charset=`, or nothing.
std::string charset_in(std::string_view text) {
    const auto lowered = lower(text);
    auto start = lowered.find("charset=");
    if (start == std::string::npos) return {};
    start += 8;
    while (start < lowered.size() && (lowered[start] == '"' || lowered[start] == '\'')) ++start;
    const auto end = lowered.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.:", start);
    return lowered.substr(start, end == std::string::npos ? end : end - start);
}

class Converter {
public:
    explicit Converter(const std::string& from) : handle_{iconv_open("UTF-8", from.c_str())} {}
    ~Converter() {
        if (*this) iconv_close(handle_);
    }
    Converter(const Converter&) = delete;
    Converter& operator=(const Converter&) = delete;
    explicit operator bool() const {
        return handle_ != reinterpret_cast<iconv_t>(-1);
    }  // NOLINT: iconv's own

    /// What is no letter in the encoding becomes U+FFFD.
    std::string convert(std::string_view bytes) {
        std::string out;
        auto* input = const_cast<char*>(bytes.data());
        auto left = bytes.size();
        std::array<char, 8192> piece{};
        while (left > 0) {
            auto* output = piece.data();
            auto room = piece.size();
            const auto result = iconv(handle_, &input, &left, &output, &room);
            out.append(piece.data(), piece.size() - room);
            if (result != static_cast<std::size_t>(-1) || errno == E2BIG) continue;
            out += kReplacement;
            ++input;
            --left;
        }
        return out;
    }

private:
    iconv_t handle_;
};

}  // namespace

std::string page_to_utf8(std::string_view bytes, std::string_view content_type) {
    auto charset = charset_in(content_type);
    if (charset.empty()) charset = charset_in(bytes.substr(0, kMetaBytesMax));
    const bool is_utf8 = charset.empty() || charset == "utf-8" || charset == "utf8";
    if (is_utf8 && proto::is_valid_utf8(bytes)) return std::string{bytes};
    Converter converter{charset.empty() ? "windows-1252" : charset};
    if (converter) return converter.convert(bytes);
    return Converter{"windows-1252"}.convert(bytes);
}

}  // namespace weft::handlers
