#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "weft/core/result.hpp"
#include "weft/storage/writer_positions.hpp"

namespace weft::handlers {

/// Position of a client in all streams at once: `next_batch`, `since`. Streams have no order among each other, so it is a
/// vector. Text form, as Synapse's:
/// `s<room>_<presence>_<typing>_<receipts>_<account data>_<push rules>_<to device>_<device lists>_<groups>`.
/// Where writers of events differ the room part is that of WriterPositions, and there is no `s`.
struct SyncToken {
    storage::WriterPositions room = 0;
    std::int64_t presence = 0;
    std::int64_t typing = 0;
    std::int64_t receipts = 0;
    std::int64_t account_data = 0;
    std::int64_t push_rules = 0;
    std::int64_t to_device = 0;
    std::int64_t device_lists = 0;
    std::int64_t groups = 0;

    static core::Result<SyncToken> parse(std::string_view text);
    std::string to_string() const;
    bool operator==(const SyncToken&) const = default;
};

}  // namespace weft::handlers
