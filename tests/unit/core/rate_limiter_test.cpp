#include <catch2/catch.hpp>

#include "weft/core/errors.hpp"
#include "weft/core/rate_limiter.hpp"

using namespace weft;
using core::ManualClock;
using core::Milliseconds;
using core::RateLimiter;

namespace {

/// How often an action is allowed before it is refused.
int allowed(RateLimiter& limiter, const std::string& key) {
    int count = 0;
    while (limiter.try_acquire(key) == 0) ++count;
    return count;
}

}  // namespace

TEST_CASE("a burst is allowed at once, then the rate applies") {
    ManualClock clock;
    RateLimiter limiter{clock, {2, 5}};
    CHECK(allowed(limiter, "a") == 5);
    CHECK(limiter.try_acquire("a") == 500);
    clock.advance(Milliseconds{499});
    CHECK(limiter.try_acquire("a") == 1);
    clock.advance(Milliseconds{1});
    CHECK(limiter.try_acquire("a") == 0);
    CHECK(limiter.try_acquire("a") == 500);
    clock.advance(Milliseconds{2000});
    CHECK(allowed(limiter, "a") == 4);
    clock.advance(Milliseconds{3'600'000});
    CHECK(allowed(limiter, "a") == 5);  // never more than the burst
}

TEST_CASE("keys have limits of their own") {
    ManualClock clock;
    RateLimiter limiter{clock, {1, 1}};
    CHECK(limiter.try_acquire("a") == 0);
    CHECK(limiter.try_acquire("b") == 0);
    CHECK(limiter.try_acquire("a") > 0);
}

TEST_CASE("a look at a limit and a refused action cost nothing") {
    ManualClock clock;
    RateLimiter limiter{clock, {1, 2}};
    for (int i = 0; i < 10; ++i) CHECK(limiter.peek("a") == 0);
    CHECK(allowed(limiter, "a") == 2);
    for (int i = 0; i < 10; ++i) CHECK(limiter.try_acquire("a") == 1000);
    CHECK(limiter.peek("a") == 1000);
}

TEST_CASE("too many actions are an error that says when to come again") {
    ManualClock clock;
    RateLimiter limiter{clock, {0.1, 1}};
    CHECK_NOTHROW(limiter.acquire("a"));
    try {
        limiter.acquire("a");
        FAIL("the limit does not apply");
    } catch (const core::MatrixError& error) {
        CHECK(error.http_status == 429);
        CHECK(error.errcode == "M_LIMIT_EXCEEDED");
        CHECK(error.fields.at("retry_after_ms") == 10'000);
    }
}

TEST_CASE("a burst below one still lets single actions through") {
    ManualClock clock;
    RateLimiter limiter{clock, {1, 0}};
    CHECK(limiter.try_acquire("a") == 0);
    CHECK(limiter.try_acquire("a") == 1000);
}

TEST_CASE("without a rate a burst is all there ever is") {
    ManualClock clock;
    RateLimiter limiter{clock, {0, 2}};
    CHECK(allowed(limiter, "a") == 2);
    clock.advance(Milliseconds{3'600'000});
    CHECK(limiter.try_acquire("a") > 0);
}

TEST_CASE("keys that have been quiet long enough are forgotten") {
    ManualClock clock;
    RateLimiter limiter{clock, {1, 10}};
    for (int i = 0; i < 100; ++i) limiter.try_acquire(std::to_string(i));
    CHECK(limiter.buckets() == 100);
    clock.advance(Milliseconds{120'000});
    limiter.try_acquire("a");
    CHECK(limiter.buckets() == 1);
}
