#include "weft/storage/push_action_store.hpp"

#include "stores/store_support.hpp"
#include "weft/proto/replication/rows.hpp"

namespace weft::storage {

namespace replication = proto::replication;

namespace {

constexpr std::size_t kCacheEntries = 5'000;
constexpr auto kCacheName = "get_unread_event_push_actions_by_room_for_user";

/// The newest of a user's receipts counts, wherever it was set; one that points at an event we do not know
/// does not. Older actions may have been rolled up into event_push_summary.
constexpr Sql kUnread{"room_unread_counts", R"sql(
    WITH seen AS (
        SELECT m.user_id, COALESCE(r.stream_ordering, joined.stream_ordering, 0) AS upto
        FROM local_current_membership AS m
        LEFT JOIN events AS joined ON joined.event_id = m.event_id
        LEFT JOIN (
            SELECT receipt.user_id, max(e.stream_ordering) AS stream_ordering FROM receipts_linearized AS receipt
            JOIN events AS e ON e.event_id = receipt.event_id
            WHERE receipt.room_id = $1 AND receipt.receipt_type IN ('m.read', 'm.read.private')
            GROUP BY receipt.user_id
        ) AS r ON r.user_id = m.user_id
        WHERE m.room_id = $1 AND m.membership = 'join'
    )
    SELECT user_id, sum(notifications), sum(highlights) FROM (
        SELECT s.user_id, sum(COALESCE(a.notif, 0)) AS notifications, sum(COALESCE(a.highlight, 0)) AS highlights
        FROM event_push_actions AS a JOIN seen AS s ON s.user_id = a.user_id AND a.stream_ordering > s.upto
        WHERE a.room_id = $1 GROUP BY s.user_id
        UNION ALL
        SELECT s.user_id, sum(p.notif_count), 0
        FROM event_push_summary AS p JOIN seen AS s ON s.user_id = p.user_id AND p.stream_ordering > s.upto
        WHERE p.room_id = $1 GROUP BY s.user_id
    ) AS counts GROUP BY user_id)sql"};

}  // namespace

PushActionStore::PushActionStore(StoreContext context, StreamState& events, StreamState& receipts)
    : context_{std::move(context)}, rooms_{kCacheName, context_.scaled(kCacheEntries), context_.executor} {
    register_cache(context_.caches, kCacheName, rooms_);
    events.on_invalidate([this](std::int64_t, const StreamRows& rows) {
        for (const auto& json : rows) {
            const auto row = replication::parse_events_row(json);
            if (!row) continue;
            if (const auto* event = std::get_if<replication::EventsEventRow>(&*row))
                rooms_.invalidate(event->room_id);
        }
    });
    receipts.on_invalidate([this](std::int64_t, const StreamRows& rows) {
        for (const auto& json : rows) {
            if (const auto row = replication::ReceiptsRow::parse(json)) rooms_.invalidate(row->room_id);
        }
    });
}

Task<std::shared_ptr<const RoomUnread>> PushActionStore::room_unread(std::string room_id) {
    co_return co_await rooms_.get(room_id, [this](std::string room) -> Task<RoomUnread> {
        RoomUnread unread;
        for (const auto row : co_await context_.db.query(kUnread, room)) {
            unread.emplace(row[0].str(), UnreadCounts{row[1].i64(), row[2].i64()});
        }
        co_return unread;
    });
}

Task<UnreadCounts> PushActionStore::unread(std::string room_id, std::string user_id) {
    const auto counts = co_await room_unread(std::move(room_id));
    const auto found = counts->find(user_id);
    co_return found == counts->end() ? UnreadCounts{} : found->second;
}

}  // namespace weft::storage
