#pragma once

#include <cstdint>
#include <string>

#include <boost/json/object.hpp>

namespace weft::bench {

enum class Relay { kWeft, kRedis };

/// One measurement of a relay: a writer sends lines to it, `subscribers` receive each of them.
struct RelayLoad {
    Relay relay = Relay::kWeft;
    std::uint16_t port = 0;
    int pid = 0;  // of the relaying process
    std::size_t subscribers = 1;
    std::int64_t lines = 100'000;
    /// Length of a line with its line feed.
    std::size_t line_bytes = 150;
    /// So many lines may be under way: the writer waits for the slowest subscriber.
    std::int64_t window = 4'096;
    /// Lines a second in bursts of one millisecond; 0: as fast as they are delivered.
    double rate = 0;
    /// Token of the first line; the relay must not have seen greater ones.
    std::int64_t first_token = 1'000'000'000;
};

/// Runs it; `delivered`, `seconds` and `cpu_us` of the relaying process, without connecting and warming up.
boost::json::object measure_relay(const RelayLoad& load);

}  // namespace weft::bench
