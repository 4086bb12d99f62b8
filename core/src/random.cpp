#include "weft/core/random.hpp"

#include <string_view>

#include <sodium.h>

namespace weft::core {
namespace {

std::string random_from(std::string_view alphabet, std::size_t count) {
    std::string out(count, '\0');
    for (auto& c : out) c = alphabet[randombytes_uniform(static_cast<std::uint32_t>(alphabet.size()))];
    return out;
}

}  // namespace

std::string random_letters(std::size_t count) {
    return random_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", count);
}

std::string random_alphanumeric(std::size_t count) {
    return random_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", count);
}

std::uint32_t random_below(std::uint32_t bound) { return randombytes_uniform(bound); }

double random_unit() { return static_cast<double>(randombytes_random()) / 4294967296.0; }

}  // namespace weft::core
