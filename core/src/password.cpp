#include "weft/core/password.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>

#include <crypt.h>
#include <sodium.h>
#include <unicode/normalizer2.h>
#include <unicode/unistr.h>

namespace weft::core {
namespace {

// OWASP's first recommendation for argon2id: two passes over 19 MiB. libsodium's "interactive" 64 MiB would
// cost a process that logs in several users at once more memory than everything else it does.
constexpr unsigned long long kPasses = 2;
constexpr std::size_t kMemoryBytes = 19 * 1024 * 1024;

/// What Synapse uses unless it is told otherwise.
constexpr unsigned long kBcryptRounds = 12;
constexpr std::size_t kBcryptBytesMax = 72;

bool constant_time_equal(std::string_view a, std::string_view b) {
    return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

std::string normalize_password(std::string_view password) {
    if (std::ranges::all_of(password, [](char c) { return static_cast<unsigned char>(c) < 0x80; }))
        return std::string{password};
    UErrorCode error = U_ZERO_ERROR;
    const auto* const nfkc = icu::Normalizer2::getNFKCInstance(error);
    if (U_FAILURE(error)) throw std::runtime_error{std::string{"no Unicode data: "} + u_errorName(error)};
    const icu::StringPiece bytes{password.data(), static_cast<std::int32_t>(password.size())};
    const auto normalized = nfkc->normalize(icu::UnicodeString::fromUTF8(bytes), error);
    if (U_FAILURE(error))
        throw std::runtime_error{std::string{"a password cannot be normalized: "} + u_errorName(error)};
    std::string out;
    normalized.toUTF8String(out);
    return out;
}

std::string hash_password(std::string_view password) {
    std::array<char, crypto_pwhash_STRBYTES> out{};
    if (crypto_pwhash_str_alg(out.data(), password.data(), password.size(), kPasses, kMemoryBytes,
                              crypto_pwhash_ALG_ARGON2ID13) != 0) {
        throw std::runtime_error{"out of memory while hashing a password"};
    }
    return std::string{out.data()};
}

std::string hash_password_for_synapse(std::string_view password) {
    if (password.size() > kBcryptBytesMax || password.find('\0') != std::string_view::npos) return hash_password(password);
    std::array<char, 16> random{};
    randombytes_buf(random.data(), random.size());
    std::array<char, CRYPT_GENSALT_OUTPUT_SIZE> salt{};
    crypt_data data{};
    const char* const out =
        crypt_gensalt_rn("$2b$", kBcryptRounds, random.data(), random.size(), salt.data(), salt.size())
            ? crypt_r(std::string{password}.c_str(), salt.data(), &data)
            : nullptr;
    if (out == nullptr || *out == '*') throw std::runtime_error{"a password cannot be hashed with bcrypt"};
    return out;
}

bool verify_password(std::string_view password, const std::string& hash) {
    if (hash.starts_with("$argon2"))
        return crypto_pwhash_str_verify(hash.c_str(), password.data(), password.size()) == 0;
    if (!hash.starts_with("$2a$") && !hash.starts_with("$2b$") && !hash.starts_with("$2y$")) return false;
    // bcrypt stops at a NUL byte: a password with one must not match its beginning.
    if (password.find('\0') != std::string_view::npos) return false;
    crypt_data data{};
    const char* out = crypt_r(std::string{password}.c_str(), hash.c_str(), &data);
    return out != nullptr && constant_time_equal(out, hash);
}

}  // namespace weft::core
