#pragma once

#include <cstdint>
#include <string>

namespace weft::core {

/// Cryptographically random letters (a-z, A-Z).
std::string random_letters(std::size_t count);
/// Cryptographically random letters and digits.
std::string random_alphanumeric(std::size_t count);
/// Uniform in [0, bound).
std::uint32_t random_below(std::uint32_t bound);
/// Uniform in [0, 1).
double random_unit();

}  // namespace weft::core
