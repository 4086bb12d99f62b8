#include "weft/handlers/accounts/access_token.hpp"

#include <fmt/format.h>

#include <boost/crc.hpp>

#include "weft/core/random.hpp"
#include "weft/proto/crypto.hpp"

namespace weft::handlers {
namespace {

constexpr std::string_view kBase62 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::size_t kChecksumDigits = 6;  // 62^6 > 2^32
constexpr std::size_t kRandomLetters = 20;  // 114 bits

std::string make_token(std::string_view kind, std::string_view localpart) {
    const auto base = fmt::format("{}_{}_{}", kind, proto::base64_url_encode(localpart),
                                  core::random_letters(kRandomLetters));
    return fmt::format("{}_{}", base, token_checksum(base));
}

}  // namespace

std::string token_checksum(std::string_view text) {
    boost::crc_32_type crc;
    crc.process_bytes(text.data(), text.size());
    std::uint32_t rest = crc.checksum();
    std::string digits(kChecksumDigits, kBase62[0]);
    for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit) {
        *digit = kBase62[rest % kBase62.size()];
        rest /= static_cast<std::uint32_t>(kBase62.size());
    }
    return digits;
}

std::string make_access_token(std::string_view localpart) {
    return make_token("syt", localpart);
}

std::string make_refresh_token(std::string_view localpart) {
    return make_token("syr", localpart);
}

}  // namespace weft::handlers
