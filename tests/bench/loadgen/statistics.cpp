#include "statistics.hpp"

#include <algorithm>
#include <cmath>

namespace weft::loadgen {

double quantile(std::vector<double> values, double q) {
    if (values.empty()) return 0;
    std::ranges::sort(values);
    const double position = q * static_cast<double>(values.size() - 1);
    const auto below = static_cast<std::size_t>(std::floor(position));
    const auto above = std::min(below + 1, values.size() - 1);
    const double share = position - std::floor(position);
    return values[below] * (1 - share) + values[above] * share;
}

boost::json::object summary(const std::vector<double>& values) {
    return {{"p50", quantile(values, 0.5)},
            {"p90", quantile(values, 0.9)},
            {"p99", quantile(values, 0.99)},
            {"max", quantile(values, 1)}};
}

}  // namespace weft::loadgen
