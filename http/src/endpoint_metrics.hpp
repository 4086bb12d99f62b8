#pragma once

#include <string>
#include <utility>
#include <vector>

#include "weft/core/metrics.hpp"

namespace weft::http {

/// The series of one operation. Handles are kept, because looking one up by its labels costs more than a
/// request.
class EndpointMetrics {
public:
    EndpointMetrics(std::string method, std::string operation);

    void finished(int status, double seconds);

private:
    std::string method_;
    std::string operation_;
    core::Histogram seconds_;
    std::vector<std::pair<int, core::Counter>> by_status_;
};

/// Requests that are being handled now.
core::Gauge in_flight_gauge();

}  // namespace weft::http
