#include "stores/received_before.hpp"

namespace weft::storage {
namespace {

constexpr Sql kNewest{"newest_event", "SELECT COALESCE(max(stream_ordering), 0) FROM events"};

/// The first event from a place on; what was received before there was a received_ts counts as old.
constexpr Sql kReceived{
    "event_received_from",
    "SELECT stream_ordering, COALESCE(received_ts, 0) FROM events WHERE stream_ordering >= $1 "
    "ORDER BY stream_ordering LIMIT 1"};

}  // namespace

/// Events are received in the order of the stream, nearly; so a binary search over the stream, which has an
/// index, finds the place. Others' `origin_server_ts` say nothing.
Task<std::int64_t> newest_received_before(Database& db, std::int64_t time_ms) {
    std::int64_t before = 0;  // this token is old enough
    std::int64_t after = (co_await db.query(kNewest)).front()[0].i64() + 1;
    while (after - before > 1) {
        const auto middle = before + (after - before) / 2;
        const auto rows = co_await db.query(kReceived, middle);
        if (!rows.empty() && rows.front()[0].i64() < after && rows.front()[1].i64() <= time_ms) {
            before = rows.front()[0].i64();
        } else {
            after = middle;
        }
    }
    co_return before;
}

}  // namespace weft::storage
