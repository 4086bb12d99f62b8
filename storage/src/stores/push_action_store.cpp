#include "weft/storage/push_action_store.hpp"

#include "stores/store_support.hpp"
#include "weft/proto/event_types.hpp"
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
    SELECT latest.stream_ordering, counts.* FROM (
        SELECT COALESCE(max(stream_ordering), 0) AS stream_ordering FROM events WHERE room_id = $1
    ) AS latest LEFT JOIN (
        SELECT user_id, sum(notifications), sum(highlights), max(newest) FROM (
            SELECT s.user_id, sum(COALESCE(a.notif, 0)) AS notifications, sum(COALESCE(a.highlight, 0)) AS highlights,
                   max(a.stream_ordering) AS newest
            FROM event_push_actions AS a JOIN seen AS s ON s.user_id = a.user_id AND a.stream_ordering > s.upto
            WHERE a.room_id = $1 GROUP BY s.user_id
            UNION ALL
            SELECT s.user_id, sum(p.notif_count), 0, max(p.stream_ordering)
            FROM event_push_summary AS p JOIN seen AS s ON s.user_id = p.user_id AND p.stream_ordering > s.upto
            WHERE p.room_id = $1 GROUP BY s.user_id
        ) AS parts GROUP BY user_id
    ) AS counts ON true)sql"};

bool means_read(const std::string& receipt_type) {
    return receipt_type == "m.read" || receipt_type == "m.read.private";
}

}  // namespace

PushActionStore::PushActionStore(StoreContext context, StreamState& events, StreamState& receipts, EventsStore& store)
    : context_{std::move(context)}, events_{store}, rooms_{kCacheName, context_.scaled(kCacheEntries), context_.executor} {
    register_cache(context_.caches, kCacheName, rooms_);
    events.on_invalidate([this](std::int64_t token, const StreamRows& rows) {
        for (const auto& json : rows) {
            const auto row = replication::parse_events_row(json);
            const auto* event = row ? std::get_if<replication::EventsEventRow>(&*row) : nullptr;
            if (event) apply_event(token, *event);
        }
    });
    receipts.on_invalidate([this](std::int64_t, const StreamRows& rows) {
        for (const auto& json : rows) {
            if (const auto row = replication::ReceiptsRow::parse(json)) apply_receipt(*row);
        }
    });
}

void PushActionStore::apply_event(std::int64_t token, const replication::EventsEventRow& row) {
    const auto cached = rooms_.get_if_present(row.room_id);
    const auto* const marks = events_.push_marks(proto::EventId::trusted(row.event_id));
    // Who comes or goes counts from there on; and a read that is under way may or may not have seen the event.
    if (!cached || !marks || row.type == proto::event_type::kMember) {
        rooms_.invalidate(row.room_id);
        return;
    }
    auto& room = **cached;
    if (token <= room.upto) return;  // the database was ahead of our position when it was read
    room.upto = token;
    for (const auto& mark : *marks) {
        auto& user = room.users[mark.user_id];
        ++user.counts.notifications;
        user.counts.highlights += mark.highlight ? 1 : 0;
        user.newest = token;
    }
}

void PushActionStore::apply_receipt(const replication::ReceiptsRow& row) {
    if (!means_read(row.receipt_type)) return;
    const auto cached = rooms_.get_if_present(row.room_id);
    const auto event = events_.cached(proto::EventId::trusted(row.event_id));
    // An event that is not here yet, or not any more, has no known place among those that were counted.
    if (!cached || !event || event->event->stream_ordering() > (*cached)->upto) {
        rooms_.invalidate(row.room_id);
        return;
    }
    auto& users = (*cached)->users;
    const auto user = users.find(row.user_id);
    if (user == users.end()) return;
    if (event->event->stream_ordering() >= user->second.newest) {
        users.erase(user);
    } else {
        rooms_.invalidate(row.room_id);
    }
}

Task<std::shared_ptr<const PushActionStore::OfRoomPtr>> PushActionStore::of_room(std::string room_id) {
    core::Cache<std::string, OfRoomPtr>::Loader load = [this](std::string room) -> Task<OfRoomPtr> {
        auto out = std::make_shared<OfRoom>();
        for (const auto row : co_await context_.db.query(kUnread, room)) {
            out->upto = row[0].i64();
            if (!row[1].is_null()) out->users.emplace(row[1].str(), OfUser{{row[2].i64(), row[3].i64()}, row[4].i64()});
        }
        co_return out;
    };
    co_return co_await rooms_.get(std::move(room_id), std::move(load));
}

Task<std::shared_ptr<const RoomUnread>> PushActionStore::room_unread(std::string room_id) {
    const auto room = co_await of_room(std::move(room_id));
    auto counts = std::make_shared<RoomUnread>();
    for (const auto& [user_id, of_user] : (*room)->users) counts->emplace(user_id, of_user.counts);
    co_return counts;
}

Task<UnreadCounts> PushActionStore::unread(std::string room_id, std::string user_id) {
    const auto room = co_await of_room(std::move(room_id));
    const auto found = (*room)->users.find(user_id);
    co_return found == (*room)->users.end() ? UnreadCounts{} : found->second.counts;
}

}  // namespace weft::storage
