#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

namespace weft::bench {

/// CPU time of a process and all its threads so far, in nanoseconds; exact, unlike /proc/PID/stat.
inline std::int64_t cpu_time_ns(int pid) {
    std::int64_t total = 0;
    const auto threads = std::filesystem::path{"/proc"} / std::to_string(pid) / "task";
    for (const auto& thread : std::filesystem::directory_iterator{threads}) {
        std::ifstream file{thread.path() / "schedstat"};
        std::int64_t on_cpu = 0;
        if (file >> on_cpu) total += on_cpu;
    }
    return total;
}

}  // namespace weft::bench
