#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "weft/core/config.hpp"
#include "weft/storage/position_reader.hpp"
#include "weft/storage/stream_state.hpp"

namespace weft::workers {

/// All sixteen streams as this process sees them, in the order in which positions are announced, each with the
/// writers that configuration names.
struct Streams {
    explicit Streams(const core::Config& config);

    /// Start-up: positions as the database has them. `memory_begins` is the first token of the streams in memory that
    /// are written here.
    void seed(const storage::StreamPositions& positions, std::int64_t memory_begins = 0);
    std::vector<storage::StreamState*> all();

    storage::StreamState events;
    storage::StreamState backfill;
    storage::StreamState presence;
    storage::StreamState typing;
    storage::StreamState receipts;
    storage::StreamState push_rules;
    storage::StreamState pushers;
    storage::StreamState caches;
    storage::StreamState public_rooms;
    storage::StreamState device_lists;
    storage::StreamState to_device;
    storage::StreamState federation;
    storage::StreamState tag_account_data;
    storage::StreamState account_data;
    storage::StreamState groups;
    storage::StreamState user_signature;
};

}  // namespace weft::workers
