#pragma once

#include <string_view>

namespace weft::workers {

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace weft::workers
