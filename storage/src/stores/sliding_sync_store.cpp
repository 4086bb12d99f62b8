#include "weft/storage/sliding_sync_store.hpp"

namespace weft::storage {
namespace {

/// A client that was away for so long begins anew.
constexpr std::int64_t kKeptMs = 30LL * 24 * 60 * 60 * 1000;

constexpr Sql kLoad{"load_sliding_sync_position", R"sql(
    SELECT state FROM weft_sliding_sync_positions
    WHERE position_id = $1 AND user_id = $2 AND device_id = $3 AND conn_id = $4)sql"};
constexpr Sql kAdd{"add_sliding_sync_position", R"sql(
    WITH passed AS (
        DELETE FROM weft_sliding_sync_positions
        WHERE user_id = $1 AND device_id = $2 AND conn_id = $3 AND position_id IS DISTINCT FROM $4::bigint
    ), forgotten AS (
        DELETE FROM weft_sliding_sync_positions WHERE created_ts < $5::bigint
    )
    INSERT INTO weft_sliding_sync_positions (user_id, device_id, conn_id, created_ts, state) VALUES ($1, $2, $3, $6, $7)
    RETURNING position_id)sql"};

}  // namespace

Task<std::optional<std::string>> SlidingSyncStore::load(SlidingConnection connection,
                                                        std::int64_t position_id) {
    const auto rows = co_await context_.db.query(kLoad, position_id, connection.user_id, connection.device_id,
                                                 connection.conn_id);
    co_return rows.empty() ? std::nullopt : std::optional{rows.front()[0].str()};
}

Task<std::int64_t> SlidingSyncStore::add(SlidingConnection connection, std::optional<std::int64_t> shown,
                                         std::string state) {
    const auto now = context_.clock.now_ms();
    const auto rows = co_await context_.db.query(kAdd, connection.user_id, connection.device_id,
                                                 connection.conn_id, shown, now - kKeptMs, now, state);
    co_return rows.front()[0].i64();
}

}  // namespace weft::storage
