#pragma once

#include <cstdint>
#include <string_view>

namespace weft::core {

/// A hash under a key that this process drew when it started (SipHash-2-4): nobody outside can find texts that collide. Not
/// the same in another process.
std::uint64_t keyed_hash(std::string_view text);

}  // namespace weft::core
