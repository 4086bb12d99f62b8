#pragma once

#include <cstdint>
#include <string>

#include <boost/json/object.hpp>

namespace weft::bench {

/// A process that writes the `caches` stream as every Weft process does: commit, then announce.
struct CommitLoad {
    std::uint16_t port = 0;  // of the master's replication listener
    std::string server_name;
    std::string host;  // of PostgreSQL: a directory with its socket
    std::string user;
    std::string database;
    double rate = 1'000;
    double seconds = 5;
};

/// Writes at that rate, each commit with the rows that have become due during the one before. `commits`: for
/// each row its token and when its commit had returned, in microseconds of the system's clock.
boost::json::object write_and_announce(const CommitLoad& load);

}  // namespace weft::bench
