#pragma once

#include <cstddef>
#include <cstdint>

#include "weft/core/clock.hpp"
#include "weft/storage/database.hpp"

namespace weft::storage {

/// Deletes what every event leaves for a while only: transaction IDs after a day, and the newest events that
/// a room had (stream_ordering_to_exterm), about which nobody asks for tokens older than a month. Run by one
/// process at a time.
class EventRecordCleaner {
public:
    struct Options {
        std::int64_t transaction_ids_kept_ms = 24LL * 3600 * 1000;
        std::int64_t extremities_kept_ms = 30LL * 24 * 3600 * 1000;
        std::int64_t rows_per_transaction = 10'000;
    };

    EventRecordCleaner(Database& db, const core::Clock& clock) : EventRecordCleaner{db, clock, Options{}} {}
    EventRecordCleaner(Database& db, const core::Clock& clock, Options options)
        : db_{db}, clock_{clock}, options_{options} {}

    /// Returns how many rows went.
    Task<std::size_t> clean();

private:
    Task<std::size_t> forget_transaction_ids();
    Task<std::size_t> forget_extremities();

    Database& db_;
    const core::Clock& clock_;
    Options options_;
};

}  // namespace weft::storage
