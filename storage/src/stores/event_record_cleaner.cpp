#include "weft/storage/event_record_cleaner.hpp"

#include "stores/received_before.hpp"

namespace weft::storage {
namespace {

constexpr Sql kForgetTransactionIds{"forget_transaction_ids", R"sql(
    WITH gone AS (
        DELETE FROM event_txn_id WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM event_txn_id WHERE inserted_ts < $1::bigint ORDER BY inserted_ts LIMIT $2::bigint))
        RETURNING 1
    )
    SELECT count(*) FROM gone)sql"};

/// Of the rows between two tokens those that are not their room's last before the second: what was newest at
/// that token, and later, can still be told. Page by page, so that the rows that stay are looked at once.
constexpr Sql kForgetExtremities{"forget_extremities", R"sql(
    WITH page AS (
        SELECT ctid, room_id, stream_ordering FROM stream_ordering_to_exterm
        WHERE stream_ordering > $1::bigint AND stream_ordering <= $2::bigint ORDER BY stream_ordering LIMIT $3::bigint
    ), gone AS (
        DELETE FROM stream_ordering_to_exterm WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM page WHERE EXISTS (
                SELECT FROM stream_ordering_to_exterm AS later WHERE later.room_id = page.room_id
                AND later.stream_ordering > page.stream_ordering AND later.stream_ordering <= $2::bigint)))
        RETURNING 1
    )
    SELECT (SELECT max(stream_ordering) FROM page), (SELECT count(*) FROM gone))sql"};

}  // namespace

Task<std::size_t> EventRecordCleaner::clean() {
    const auto transaction_ids = co_await forget_transaction_ids();
    co_return transaction_ids + co_await forget_extremities();
}

Task<std::size_t> EventRecordCleaner::forget_transaction_ids() {
    const auto before_ms = clock_.now_ms() - options_.transaction_ids_kept_ms;
    std::size_t removed = 0;
    for (;;) {
        const auto rows = co_await db_.query(kForgetTransactionIds, before_ms, options_.rows_per_transaction);
        const auto count = rows.front()[0].i64();
        removed += static_cast<std::size_t>(count);
        if (count < options_.rows_per_transaction) co_return removed;
    }
}

Task<std::size_t> EventRecordCleaner::forget_extremities() {
    const auto upto = co_await newest_received_before(db_, clock_.now_ms() - options_.extremities_kept_ms);
    std::size_t removed = 0;
    std::int64_t from = 0;
    while (from < upto) {
        const auto rows = co_await db_.query(kForgetExtremities, from, upto, options_.rows_per_transaction);
        const auto last = rows.front()[0].opt_i64();
        if (!last) break;
        removed += static_cast<std::size_t>(rows.front()[1].i64());
        from = *last;
    }
    co_return removed;
}

}  // namespace weft::storage
