#include "weft/storage/delayed_event_store.hpp"

namespace weft::storage {
namespace {

#define WEFT_COLUMNS \
    "delay_id, user_id, device_id, room_id, event_type, state_key, content, txn_id, delay_ms, running_since"

constexpr Sql kCount{"count_delayed_events", "SELECT count(*) FROM weft_delayed_events WHERE user_id = $1"};
constexpr Sql kByTransaction{"delayed_event_of_transaction", R"sql(
    SELECT delay_id FROM weft_delayed_events WHERE user_id = $1 AND device_id = $2 AND room_id = $3 AND txn_id = $4)sql"};
constexpr Sql kAdd{"add_delayed_event", R"sql(
    INSERT INTO weft_delayed_events
        (delay_id, user_id, device_id, room_id, event_type, state_key, content, txn_id, delay_ms, running_since, send_ts)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::bigint, $10::bigint, $9::bigint + $10::bigint))sql"};
constexpr Sql kOfUser{"delayed_events_of_user",
                      "SELECT " WEFT_COLUMNS
                      " FROM weft_delayed_events WHERE user_id = $1 ORDER BY send_ts, delay_id"};
constexpr Sql kFind{"find_delayed_event",
                    "SELECT " WEFT_COLUMNS " FROM weft_delayed_events WHERE delay_id = $1"};
constexpr Sql kRestart{"restart_delayed_event", R"sql(
    UPDATE weft_delayed_events SET running_since = $2::bigint, send_ts = $2::bigint + delay_ms WHERE delay_id = $1)sql"};
constexpr Sql kMakeDue{"make_delayed_event_due",
                       "UPDATE weft_delayed_events SET send_ts = $2::bigint WHERE delay_id = $1"};
constexpr Sql kRemove{"remove_delayed_event", "DELETE FROM weft_delayed_events WHERE delay_id = $1"};
constexpr Sql kNextTime{"next_delayed_event", "SELECT min(send_ts) FROM weft_delayed_events"};
constexpr Sql kDue{"due_delayed_events",
                   "SELECT " WEFT_COLUMNS
                   " FROM weft_delayed_events WHERE send_ts <= $1 ORDER BY send_ts, delay_id LIMIT $2"};
constexpr Sql kCancelState{"cancel_delayed_state", R"sql(
    DELETE FROM weft_delayed_events WHERE room_id = $1 AND event_type = $2 AND state_key = $3 AND user_id <> $4)sql"};

#undef WEFT_COLUMNS

DelayedEvent to_event(const Rows::Row& row) {
    return {row[0].str(),     row[1].str(), row[2].str(),     row[3].str(), row[4].str(),
            row[5].opt_str(), row[6].str(), row[7].opt_str(), row[8].i64(), row[9].i64()};
}

std::vector<DelayedEvent> to_events(const Rows& rows) {
    std::vector<DelayedEvent> out;
    for (const auto row : rows) out.push_back(to_event(row));
    return out;
}

}  // namespace

Task<std::optional<std::string>> DelayedEventStore::add(DelayedEvent event, std::int64_t waiting_max) {
    co_return co_await context_.db.run(
        "add_delayed_event", [&](Transaction& txn) -> std::optional<std::string> {
            if (event.txn_id) {
                const auto before =
                    txn.exec(kByTransaction, event.user_id, event.device_id, event.room_id, event.txn_id);
                if (!before.empty()) return before.front()[0].str();
            }
            if (txn.exec(kCount, event.user_id).front()[0].i64() >= waiting_max) return std::nullopt;
            txn.exec(kAdd, event.delay_id, event.user_id, event.device_id, event.room_id, event.type,
                     event.state_key, event.content, event.txn_id, event.delay_ms, event.running_since_ms);
            return event.delay_id;
        });
}

Task<std::vector<DelayedEvent>> DelayedEventStore::of_user(std::string user_id) {
    co_return to_events(co_await context_.db.query(kOfUser, user_id));
}

Task<std::optional<DelayedEvent>> DelayedEventStore::find(std::string delay_id) {
    const auto rows = co_await context_.db.query(kFind, delay_id);
    co_return rows.empty() ? std::nullopt : std::optional{to_event(rows.front())};
}

Task<bool> DelayedEventStore::restart(std::string delay_id, std::int64_t now_ms) {
    co_return (co_await context_.db.query(kRestart, delay_id, now_ms)).affected() > 0;
}

Task<bool> DelayedEventStore::make_due(std::string delay_id, std::int64_t now_ms) {
    co_return (co_await context_.db.query(kMakeDue, delay_id, now_ms)).affected() > 0;
}

Task<bool> DelayedEventStore::remove(std::string delay_id) {
    co_return (co_await context_.db.query(kRemove, delay_id)).affected() > 0;
}

Task<std::optional<std::int64_t>> DelayedEventStore::next_time() {
    co_return (co_await context_.db.query(kNextTime)).front()[0].opt_i64();
}

Task<std::vector<DelayedEvent>> DelayedEventStore::due(std::int64_t now_ms, std::size_t limit) {
    co_return to_events(co_await context_.db.query(kDue, now_ms, limit));
}

Task<std::size_t> DelayedEventStore::cancel_state(std::string room_id, std::string type,
                                                  std::string state_key, std::string set_by) {
    co_return (co_await context_.db.query(kCancelState, room_id, type, state_key, set_by)).affected();
}

}  // namespace weft::storage
