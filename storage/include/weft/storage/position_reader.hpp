#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "weft/core/task.hpp"
#include "weft/storage/database.hpp"

namespace weft::storage {

/// Where the streams stand in the database when a process starts.
struct StreamPositions {
    /// Stream name -> newest token over *all* tables that hold tokens of the stream; 1 for an empty stream.
    /// Tokens grow also for `backfill` (token = minus the stream ordering). Streams with one ID space have
    /// the same value.
    std::map<std::string, std::int64_t> streams;
    /// The `caches` stream has a position a writer: instance name -> newest token.
    std::map<std::string, std::int64_t> caches;
    /// Who writes events now.
    std::set<std::string> event_writers;

    /// The token of `stream`. Throws StoreError for a name that is not stored in the database.
    std::int64_t of(const std::string& stream) const;
};

/// Reads all of them in one round trip.
class PositionReader {
public:
    explicit PositionReader(Database& db) : db_{db} {}

    Task<StreamPositions> read();
    /// The same on the calling thread, before the event loop runs.
    StreamPositions read_blocking();

private:
    Database& db_;
};

}  // namespace weft::storage
