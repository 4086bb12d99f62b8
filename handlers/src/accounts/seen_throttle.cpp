#include "weft/handlers/accounts/seen_throttle.hpp"

#include <functional>

namespace weft::handlers {
namespace {

std::size_t mix(std::size_t seed, std::string_view text) {
    return std::hash<std::string_view>{}(text) + 0x9e3779b97f4a7c15ULL + (seed << 6) + (seed >> 2);
}

}  // namespace

bool SeenThrottle::admit(std::string_view user_id, std::string_view access_token, std::string_view ip,
                         std::int64_t now_ms) {
    const auto key = mix(mix(mix(0, user_id), access_token), ip);
    if (const auto found = told_ms_.find(key); found != told_ms_.end()) {
        if (now_ms - found->second < kIntervalMs) return false;
        found->second = now_ms;
        return true;
    }
    if (told_ms_.size() >= entries_max_) make_room(now_ms);
    told_ms_.emplace(key, now_ms);
    return true;
}

void SeenThrottle::make_room(std::int64_t now_ms) {
    std::erase_if(told_ms_, [&](const auto& entry) { return now_ms - entry.second >= kIntervalMs; });
    // Still (nearly) full of fresh ones: searching again at each sighting would cost more than telling some
    // twice.
    if (told_ms_.size() > entries_max_ / 2) told_ms_.clear();
}

}  // namespace weft::handlers
