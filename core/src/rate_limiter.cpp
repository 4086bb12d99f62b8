#include "weft/core/rate_limiter.hpp"

#include <cmath>

#include "weft/core/errors.hpp"

namespace weft::core {

namespace {
constexpr std::int64_t kPruneIntervalMs = 60'000;
}

RateLimiter::RateLimiter(const Clock& clock, RateLimit limit) : clock_{clock}, limit_{limit} {}

double RateLimiter::level_now(const Bucket& bucket, std::int64_t now_ms) const {
    const double leaked = static_cast<double>(now_ms - bucket.updated_ms) / 1000.0 * limit_.per_second;
    return std::max(0.0, bucket.level - leaked);
}

std::int64_t RateLimiter::peek(const std::string& key) const {
    const auto found = buckets_.find(key);
    const double level = found == buckets_.end() ? 0.0 : level_now(found->second, clock_.monotonic_ms());
    const double excess = level + 1.0 - std::max(1.0, limit_.burst_count);
    if (excess <= 0.0) return 0;
    if (limit_.per_second <= 0.0) return 24LL * 3600 * 1000;
    return std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(excess / limit_.per_second * 1000.0)));
}

std::int64_t RateLimiter::try_acquire(const std::string& key) {
    const auto wait = peek(key);
    if (wait > 0) return wait;
    const auto now = clock_.monotonic_ms();
    prune(now);
    auto& bucket = buckets_.try_emplace(key, Bucket{0.0, now}).first->second;
    bucket.level = level_now(bucket, now) + 1.0;
    bucket.updated_ms = now;
    return 0;
}

void RateLimiter::acquire(const std::string& key) {
    if (const auto wait = try_acquire(key); wait > 0) throw MatrixError::limit_exceeded(wait);
}

void RateLimiter::prune(std::int64_t now_ms) {
    if (now_ms < next_prune_ms_) return;
    next_prune_ms_ = now_ms + kPruneIntervalMs;
    std::erase_if(buckets_, [&](const auto& entry) { return level_now(entry.second, now_ms) <= 0.0; });
}

}  // namespace weft::core
