#pragma once

#include <algorithm>
#include <cstdint>

namespace weft::replication {

/// Delays between attempts: growing, bounded and jittered, so that many processes do not come back at the
/// same instant. Pure: the caller brings the dice.
class Backoff {
public:
    struct Options {
        std::int64_t min_ms = 100;
        std::int64_t max_ms = 1'000;
        double factor = 2.718281828;
        /// A delay lies in [1 - jitter, 1 + jitter] times its nominal value, and never above max_ms.
        double jitter = 0.25;
    };

    Backoff() : Backoff(Options{}) {}
    explicit Backoff(Options options) : options_{options}, next_ms_{static_cast<double>(options.min_ms)} {}

    /// The next delay; `unit` is a random number in [0, 1).
    std::int64_t next(double unit) {
        const auto nominal = next_ms_;
        next_ms_ = std::min(next_ms_ * options_.factor, static_cast<double>(options_.max_ms));
        const auto delay = nominal * (1 - options_.jitter + 2 * options_.jitter * unit);
        return std::clamp<std::int64_t>(static_cast<std::int64_t>(delay), 1, options_.max_ms);
    }
    void reset() { next_ms_ = static_cast<double>(options_.min_ms); }
    bool is_reset() const { return next_ms_ == static_cast<double>(options_.min_ms); }

private:
    Options options_;
    double next_ms_;
};

}  // namespace weft::replication
