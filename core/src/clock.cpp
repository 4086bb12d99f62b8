#include "weft/core/clock.hpp"

namespace weft::core {

std::int64_t SystemClock::now_ms() const {
    return std::chrono::duration_cast<Milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::int64_t SystemClock::monotonic_ms() const {
    return std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace weft::core
