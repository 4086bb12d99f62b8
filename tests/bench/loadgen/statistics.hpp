#pragma once

#include <chrono>
#include <vector>

#include <boost/json.hpp>

namespace weft::loadgen {

using SteadyClock = std::chrono::steady_clock;

inline double milliseconds(SteadyClock::duration duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
}

/// The value below which a share `q` (0 to 1) of the values lies, interpolated; 0 when there are none.
double quantile(std::vector<double> values, double q);

/// {"p50", "p90", "p99", "max"} of the values.
boost::json::object summary(const std::vector<double>& values);

}  // namespace weft::loadgen
