#pragma once

#include <cstddef>
#include <cstdint>

#include "weft/core/clock.hpp"
#include "weft/storage/database.hpp"

namespace weft::storage {

/// Keeps event_push_actions small, which gets a row for every member of a room with every message. What is a day old and
/// nobody has read is counted in event_push_summary, a row for each user, room and thread; highlights, which are the
/// user's list of notifications, stay a month. What unread counts say does not change. Run by one process at a time.
class PushActionRotator {
public:
    struct Options {
        std::int64_t actions_kept_ms = 24LL * 3600 * 1000;
        std::int64_t highlights_kept_ms = 30LL * 24 * 3600 * 1000;
        std::int64_t rows_per_transaction = 10'000;
    };

    PushActionRotator(Database& db, const core::Clock& clock) : PushActionRotator{db, clock, Options{}} {}
    PushActionRotator(Database& db, const core::Clock& clock, Options options) : db_{db}, clock_{clock}, options_{options} {}

    /// Returns how many rows left event_push_actions.
    Task<std::size_t> rotate();

private:
    Task<std::size_t> in_batches(Sql sql, std::int64_t upto);

    Database& db_;
    const core::Clock& clock_;
    Options options_;
};

}  // namespace weft::storage
