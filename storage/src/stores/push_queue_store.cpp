#include "weft/storage/push_queue_store.hpp"

#include "stores/store_support.hpp"

namespace weft::storage {
namespace {

/// Reading clears what is no highlight; highlights stay for the list of notifications.
#define WEFT_IS_READ                                                                                  \
    "EXISTS (SELECT FROM receipts_linearized AS r JOIN events AS read ON read.event_id = r.event_id " \
    "WHERE r.room_id = a.room_id AND r.user_id = a.user_id AND r.receipt_type IN ('m.read', "         \
    "'m.read.private') "                                                                              \
    "AND (r.thread_id IS NULL OR r.thread_id = COALESCE(a.thread_id, 'main')) "                       \
    "AND read.stream_ordering >= a.stream_ordering)"

constexpr Sql kUnread{"unread_pushes",
                      "SELECT a.event_id, a.room_id, a.actions, COALESCE(a.highlight, 0), a.stream_ordering "
                      "FROM event_push_actions AS a WHERE a.user_id = $1 AND a.stream_ordering > $2 "
                      "AND a.stream_ordering <= $3 AND a.notif = 1 AND NOT " WEFT_IS_READ
                      " ORDER BY a.stream_ordering LIMIT $4"};

constexpr Sql kList{
    "list_pushes",
    "SELECT a.event_id, a.room_id, a.actions, COALESCE(a.highlight, 0), a.stream_ordering, a.profile_tag, "
    "e.received_ts, " WEFT_IS_READ
    " FROM event_push_actions AS a JOIN events AS e ON e.event_id = a.event_id "
    "WHERE a.user_id = $1 AND ($2::bigint IS NULL OR a.stream_ordering < $2) AND a.notif = 1 "
    "AND ($4 = 0 OR a.highlight = 1) ORDER BY a.stream_ordering DESC LIMIT $3"};

#undef WEFT_IS_READ

constexpr Sql kRooms{"rooms_with_pushes", R"sql(
    SELECT room_id FROM event_push_actions WHERE user_id = $1 AND notif = 1
    UNION SELECT room_id FROM event_push_summary WHERE user_id = $1)sql"};

constexpr Sql kNotified{"users_notified",
                        "SELECT user_id FROM event_push_actions WHERE stream_ordering = $1 AND notif = 1"};

QueuedPush to_push(const Rows::Row& row) {
    return {proto::EventId::trusted(row[0].str()), row[1].str(), row[2].str(), row[3].i64() != 0,
            row[4].i64()};
}

std::vector<std::string> first_column(const Rows& rows) {
    std::vector<std::string> out;
    for (const auto row : rows) out.push_back(row[0].str());
    return out;
}

}  // namespace

Task<std::vector<QueuedPush>> PushQueueStore::unread(std::string user_id, std::int64_t from, std::int64_t to,
                                                     std::size_t limit) {
    std::vector<QueuedPush> out;
    for (const auto row : co_await context_.db.query(kUnread, user_id, from, to, limit))
        out.push_back(to_push(row));
    co_return out;
}

Task<std::vector<ListedPush>> PushQueueStore::list(std::string user_id, std::optional<std::int64_t> before,
                                                   std::size_t limit, bool highlights_only) {
    std::vector<ListedPush> out;
    const std::int64_t only = highlights_only ? 1 : 0;
    for (const auto row : co_await context_.db.query(kList, user_id, before, limit, only)) {
        out.push_back(
            ListedPush{to_push(row), row[5].opt_str(), row[6].opt_i64().value_or(0), row[7].boolean()});
    }
    co_return out;
}

Task<std::vector<std::string>> PushQueueStore::rooms(std::string user_id) {
    co_return first_column(co_await context_.db.query(kRooms, user_id));
}

Task<std::vector<std::string>> PushQueueStore::notified(std::int64_t stream_ordering) {
    co_return first_column(co_await context_.db.query(kNotified, stream_ordering));
}

}  // namespace weft::storage
