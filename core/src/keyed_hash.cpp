#include "weft/core/keyed_hash.hpp"

#include <array>
#include <cstring>

#include <sodium.h>

namespace weft::core {
namespace {

std::array<unsigned char, crypto_shorthash_KEYBYTES> random_key() {
    std::array<unsigned char, crypto_shorthash_KEYBYTES> out{};
    randombytes_buf(out.data(), out.size());
    return out;
}

}  // namespace

std::uint64_t keyed_hash(std::string_view text) {
    static const auto kSecret = random_key();
    std::uint64_t out = 0;
    static_assert(crypto_shorthash_BYTES == sizeof out);
    std::array<unsigned char, sizeof out> hash{};
    crypto_shorthash(hash.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size(), kSecret.data());
    std::memcpy(&out, hash.data(), sizeof out);
    return out;
}

}  // namespace weft::core
