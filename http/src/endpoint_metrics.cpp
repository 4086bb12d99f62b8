#include "endpoint_metrics.hpp"

#include <algorithm>

namespace weft::http {

EndpointMetrics::EndpointMetrics(std::string method, std::string operation)
    : method_{std::move(method)},
      operation_{std::move(operation)},
      seconds_{core::histogram("weft_http_request_seconds", "Time from a request's end to its answer",
                               {{"operation", operation_}})} {}

void EndpointMetrics::finished(int status, double seconds) {
    seconds_.observe(seconds);
    auto known = std::ranges::find(by_status_, status, &std::pair<int, core::Counter>::first);
    if (known == by_status_.end()) {
        const core::Labels labels{
            {"method", method_}, {"operation", operation_}, {"code", std::to_string(status)}};
        by_status_.emplace_back(status,
                                core::counter("weft_http_requests_total", "Requests answered", labels));
        known = std::prev(by_status_.end());
    }
    known->second.increment();
}

core::Gauge in_flight_gauge() {
    return core::gauge("weft_http_in_flight", "Requests being handled");
}

}  // namespace weft::http
