#include <catch2/catch.hpp>

#include "weft/core/metrics.hpp"

using namespace weft;

TEST_CASE("the same name and labels are the same series") {
    auto first = core::counter("weft_test_things_total", "Things", {{"kind", "a"}});
    auto again = core::counter("weft_test_things_total", "Things", {{"kind", "a"}});
    auto other = core::counter("weft_test_things_total", "Things", {{"kind", "b"}});
    first.increment();
    again.increment(2);
    CHECK(first.value() == 3);
    CHECK(again.value() == 3);
    CHECK(other.value() == 0);
}

TEST_CASE("metrics are rendered in the text format of Prometheus") {
    core::counter("weft_test_rendered_total", "Rendered", {{"kind", "x\"y"}}).increment(2);
    auto gauge = core::gauge("weft_test_level", "Level");
    gauge.set(5);
    gauge.add(-1.5);
    core::histogram("weft_test_seconds", "Seconds", {}, {0.1, 1}).observe(0.5);
    const auto text = core::render_metrics();
    for (const auto* const line :
         {"# HELP weft_test_rendered_total Rendered\n", "# TYPE weft_test_rendered_total counter\n",
          "weft_test_rendered_total{kind=\"x\\\"y\"} 2\n", "weft_test_level 3.5\n",
          "weft_test_seconds_count 1\n", "weft_test_seconds_bucket{le=\"0.1\"} 0\n",
          "weft_test_seconds_bucket{le=\"1\"} 1\n"}) {
        CAPTURE(line);
        CHECK(text.find(line) != std::string::npos);
    }
}
