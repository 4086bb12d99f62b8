#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

namespace weft::bench {

/// Rows for processes that only listen: sent to the master's replication port as a writing worker does.
struct RowLoad {
    std::uint16_t port = 0;
    std::vector<int> pids;             // whose CPU time is measured
    std::vector<std::string> streams;  // taken in turn
    std::int64_t rows = 10'000;
    /// Rows a second, in bursts of one millisecond.
    double rate = 10'000;
    /// Token of the first row of each stream; greater than any the cluster has seen.
    std::int64_t first_token = 1'000'000'000;
};

/// Sends them; `cpu_us` of each process from just before the first row until all are idle again.
boost::json::object send_rows(const RowLoad& load);

}  // namespace weft::bench
