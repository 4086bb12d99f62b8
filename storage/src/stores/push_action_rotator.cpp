#include "weft/storage/push_action_rotator.hpp"

#include "stores/received_before.hpp"

namespace weft::storage {
namespace {

constexpr Sql kRotate{"rotate_push_actions", R"sql(
    WITH old AS (
        SELECT ctid FROM event_push_actions WHERE stream_ordering <= $1::bigint AND COALESCE(highlight, 0) = 0
        ORDER BY stream_ordering LIMIT $2::bigint
    ), gone AS (
        DELETE FROM event_push_actions WHERE ctid = ANY (ARRAY(SELECT ctid FROM old))
        RETURNING user_id, room_id, thread_id, stream_ordering, notif
    ), sums AS (
        SELECT user_id, room_id, thread_id, sum(COALESCE(notif, 0)) AS notif_count, max(stream_ordering) AS stream_ordering
        FROM gone GROUP BY user_id, room_id, thread_id
    ), known AS (
        UPDATE event_push_summary AS s
        SET notif_count = s.notif_count + sums.notif_count, stream_ordering = GREATEST(s.stream_ordering, sums.stream_ordering)
        FROM sums WHERE s.user_id = sums.user_id AND s.room_id = sums.room_id AND s.thread_id IS NOT DISTINCT FROM sums.thread_id
        RETURNING s.user_id, s.room_id, s.thread_id
    ), added AS (
        INSERT INTO event_push_summary (user_id, room_id, thread_id, notif_count, stream_ordering)
        SELECT user_id, room_id, thread_id, notif_count, stream_ordering FROM sums
        WHERE notif_count > 0 AND NOT EXISTS (
            SELECT FROM known AS k WHERE k.user_id = sums.user_id AND k.room_id = sums.room_id
            AND k.thread_id IS NOT DISTINCT FROM sums.thread_id)
    ), place AS (
        UPDATE event_push_summary_stream_ordering SET stream_ordering = GREATEST(stream_ordering, $1::bigint)
    )
    SELECT count(*) FROM gone)sql"};

constexpr Sql kForgetHighlights{"forget_highlights", R"sql(
    WITH gone AS (
        DELETE FROM event_push_actions WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM event_push_actions WHERE stream_ordering <= $1::bigint AND highlight = 1
            ORDER BY stream_ordering LIMIT $2::bigint))
        RETURNING 1
    )
    SELECT count(*) FROM gone)sql"};

}  // namespace

Task<std::size_t> PushActionRotator::rotate() {
    const auto now = clock_.now_ms();
    std::size_t removed = co_await in_batches(kRotate, co_await newest_received_before(db_, now - options_.actions_kept_ms));
    removed += co_await in_batches(kForgetHighlights, co_await newest_received_before(db_, now - options_.highlights_kept_ms));
    co_return removed;
}

Task<std::size_t> PushActionRotator::in_batches(Sql sql, std::int64_t upto) {
    std::size_t removed = 0;
    if (upto <= 0) co_return removed;
    for (;;) {
        const auto rows = co_await db_.query(sql, upto, options_.rows_per_transaction);
        const auto count = rows.front()[0].i64();
        removed += static_cast<std::size_t>(count);
        if (count < options_.rows_per_transaction) co_return removed;
    }
}

}  // namespace weft::storage
