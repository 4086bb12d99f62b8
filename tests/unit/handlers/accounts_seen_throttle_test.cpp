#include <catch2/catch.hpp>

#include <string>

#include "weft/handlers/accounts/seen_throttle.hpp"

using weft::handlers::SeenThrottle;

TEST_CASE("a client is told of once in two minutes", "[accounts]") {
    SeenThrottle throttle;

    CHECK(throttle.admit("@a:x", "token", "::1", 1000));
    CHECK_FALSE(throttle.admit("@a:x", "token", "::1", 1000 + SeenThrottle::kIntervalMs - 1));
    CHECK(throttle.admit("@a:x", "token", "::1", 1000 + SeenThrottle::kIntervalMs));
    CHECK_FALSE(throttle.admit("@a:x", "token", "::1", 1001 + SeenThrottle::kIntervalMs));
}

TEST_CASE("user, token and address each make another client", "[accounts]") {
    SeenThrottle throttle;
    throttle.admit("@a:x", "token", "::1", 0);

    CHECK(throttle.admit("@b:x", "token", "::1", 0));
    CHECK(throttle.admit("@a:x", "other", "::1", 0));
    CHECK(throttle.admit("@a:x", "token", "::2", 0));
    // The texts are not simply put together.
    CHECK(throttle.admit("@a:xt", "oken", "::1", 0));
}

TEST_CASE("the throttle stays within its bound, even when everything in it is fresh", "[accounts]") {
    SeenThrottle throttle{100};
    for (int i = 0; i < 1000; ++i) {
        throttle.admit("@" + std::to_string(i) + ":x", "token", "::1", 0);
        REQUIRE(throttle.size() <= 100);
    }
}

TEST_CASE("what is old makes room first", "[accounts]") {
    SeenThrottle throttle{100};
    for (int i = 0; i < 90; ++i) throttle.admit("@" + std::to_string(i) + ":x", "token", "::1", 0);
    const auto later = SeenThrottle::kIntervalMs;
    for (int i = 90; i < 101; ++i) throttle.admit("@" + std::to_string(i) + ":x", "token", "::1", later);

    CHECK(throttle.size() == 11);
    CHECK_FALSE(throttle.admit("@95:x", "token", "::1", later));
}
