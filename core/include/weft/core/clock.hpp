#pragma once

#include <chrono>
#include <cstdint>

namespace weft::core {

using Milliseconds = std::chrono::milliseconds;

/// Where time comes from. Logic never reads the system clock itself, so that tests can turn the hands.
class Clock {
public:
    virtual ~Clock() = default;
    /// Wall clock, milliseconds since the Unix epoch.
    virtual std::int64_t now_ms() const = 0;
    /// Milliseconds that never go backwards, from an arbitrary start.
    virtual std::int64_t monotonic_ms() const = 0;
};

/// The machine's clock.
class SystemClock final : public Clock {
public:
    std::int64_t now_ms() const override;
    std::int64_t monotonic_ms() const override;
};

/// A clock that moves when told to.
class ManualClock final : public Clock {
public:
    explicit ManualClock(std::int64_t now_ms = 1'600'000'000'000) : now_ms_{now_ms} {}
    std::int64_t now_ms() const override { return now_ms_; }
    std::int64_t monotonic_ms() const override { return now_ms_; }
    void advance(Milliseconds by) { now_ms_ += by.count(); }

private:
    std::int64_t now_ms_;
};

}  // namespace weft::core
