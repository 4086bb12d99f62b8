#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "weft/core/clock.hpp"

namespace weft::core {

/// `rc_*` of the configuration: a bucket of `burst_count` that refills at `per_second`.
struct RateLimit {
    double per_second = 10;
    double burst_count = 100;
};

/// Token buckets by key (user, address, room). Bounded: full buckets are forgotten. Logic thread only.
class RateLimiter {
public:
    RateLimiter(const Clock& clock, RateLimit limit);

    /// Milliseconds until the action is allowed; 0 means allowed and counted.
    std::int64_t try_acquire(const std::string& key);
    /// Milliseconds until an action would be allowed, without counting one.
    std::int64_t peek(const std::string& key) const;
    /// Counts the action, or throws MatrixError::limit_exceeded.
    void acquire(const std::string& key);

    std::size_t buckets() const { return buckets_.size(); }

private:
    struct Bucket {
        double level;  // actions not yet leaked away
        std::int64_t updated_ms;
    };
    double level_now(const Bucket& bucket, std::int64_t now_ms) const;
    void prune(std::int64_t now_ms);

    const Clock& clock_;
    RateLimit limit_;
    std::unordered_map<std::string, Bucket> buckets_;
    std::int64_t next_prune_ms_ = 0;
};

}  // namespace weft::core
