#pragma once

#include <algorithm>
#include <string_view>

namespace weft::handlers {

/// Code points of valid UTF-8.
inline std::size_t character_count(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace weft::handlers
