#pragma once

#include <string>

#include <fmt/format.h>

namespace weft::handlers {

/// Bytes (std::string, std::array) in lower-case hexadecimal.
template <class Bytes>
std::string to_hex(const Bytes& bytes) {
    std::string out;
    for (const auto byte : bytes)
        fmt::format_to(std::back_inserter(out), "{:02x}", static_cast<unsigned char>(byte));
    return out;
}

}  // namespace weft::handlers
