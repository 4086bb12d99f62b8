#include <catch2/catch.hpp>

#include "weft/replication/backoff.hpp"

using weft::replication::Backoff;

TEST_CASE("delays grow from a tenth of a second to one second, and no further", "[replication][backoff]") {
    Backoff backoff;
    std::vector<std::int64_t> delays;
    for (int i = 0; i < 5; ++i) delays.push_back(backoff.next(0.5));  // in the middle: no jitter
    CHECK(delays == std::vector<std::int64_t>{100, 271, 738, 1'000, 1'000});
    CHECK_FALSE(backoff.is_reset());
    backoff.reset();
    CHECK(backoff.is_reset());
    CHECK(backoff.next(0.5) == 100);
}

TEST_CASE("the dice move a delay by a quarter, never beyond the maximum and never to nothing",
          "[replication][backoff]") {
    CHECK(Backoff{}.next(0) == 75);
    CHECK(Backoff{}.next(0.999) == 124);
    Backoff grown;
    for (int i = 0; i < 10; ++i) grown.next(0.5);
    CHECK(grown.next(0.999) == 1'000);
    CHECK(grown.next(0) == 750);
    Backoff::Options hasty;
    hasty.min_ms = 0;
    CHECK(Backoff{hasty}.next(0) == 1);
}
