#pragma once

#include <functional>
#include <vector>

#include "http_connection.hpp"

namespace weft::loadgen {

using Job = std::function<Task<void>()>;

/// Runs the jobs, at most `at_once` of them at the same time, and returns when all have ended. After a
/// failure no further job begins; the first failure is thrown.
Task<void> run_parallel(std::vector<Job> jobs, std::size_t at_once);

}  // namespace weft::loadgen
