#include "weft/storage/push_action_store.hpp"

#include "stores/store_support.hpp"
#include "weft/proto/event_types.hpp"
#include "weft/proto/replication/rows.hpp"
#include "weft/proto/thread_search.hpp"

namespace weft::storage {

namespace replication = proto::replication;

namespace {

constexpr std::size_t kCacheEntries = 5'000;
constexpr auto kCacheName = "get_unread_event_push_actions_by_room_for_user";

/// The newest of a user's receipts counts, wherever it was set; one that points at an event we do not know
/// does not. Those for a thread count in that alone. Older actions have been rolled up into event_push_summary
/// (PushActionRotator).
constexpr Sql kUnread{"room_unread_counts", R"sql(
    WITH receipts AS (
        SELECT receipt.user_id, receipt.thread_id, max(e.stream_ordering) AS upto FROM receipts_linearized AS receipt
        JOIN events AS e ON e.event_id = receipt.event_id
        WHERE receipt.room_id = $1 AND receipt.receipt_type IN ('m.read', 'm.read.private')
        GROUP BY receipt.user_id, receipt.thread_id
    ), seen AS (
        SELECT m.user_id, COALESCE(r.upto, joined.stream_ordering, 0) AS upto
        FROM local_current_membership AS m
        LEFT JOIN events AS joined ON joined.event_id = m.event_id
        LEFT JOIN receipts AS r ON r.user_id = m.user_id AND r.thread_id IS NULL
        WHERE m.room_id = $1 AND m.membership = 'join'
    )
    SELECT latest.stream_ordering, counts.* FROM (
        SELECT COALESCE(max(stream_ordering), 0) AS stream_ordering FROM events WHERE room_id = $1
    ) AS latest LEFT JOIN (
        SELECT user_id, thread, sum(notifications), sum(highlights), max(newest) FROM (
            SELECT s.user_id, COALESCE(a.thread_id, 'main') AS thread, sum(COALESCE(a.notif, 0)) AS notifications,
                   sum(COALESCE(a.highlight, 0)) AS highlights, max(a.stream_ordering) AS newest
            FROM event_push_actions AS a JOIN seen AS s ON s.user_id = a.user_id AND a.stream_ordering > s.upto
            LEFT JOIN receipts AS r ON r.user_id = a.user_id AND r.thread_id = COALESCE(a.thread_id, 'main')
            WHERE a.room_id = $1 AND (r.upto IS NULL OR a.stream_ordering > r.upto)
            GROUP BY s.user_id, COALESCE(a.thread_id, 'main')
            UNION ALL
            SELECT s.user_id, COALESCE(p.thread_id, 'main'), sum(p.notif_count), 0, max(p.stream_ordering)
            FROM event_push_summary AS p JOIN seen AS s ON s.user_id = p.user_id AND p.stream_ordering > s.upto
            LEFT JOIN receipts AS r ON r.user_id = p.user_id AND r.thread_id = COALESCE(p.thread_id, 'main')
            WHERE p.room_id = $1 AND (r.upto IS NULL OR p.stream_ordering > r.upto)
            GROUP BY s.user_id, COALESCE(p.thread_id, 'main')
        ) AS parts GROUP BY user_id, thread
    ) AS counts ON true)sql"};

constexpr Sql kUnreadBefore{"unread_before", R"sql(
    SELECT EXISTS (
        SELECT 1 FROM event_push_actions AS a WHERE a.user_id = i.user_id AND a.room_id = i.room_id AND a.notif = 1
        AND COALESCE(a.thread_id, 'main') = i.thread AND a.stream_ordering > seen.upto AND a.stream_ordering < i.place
    ) OR EXISTS (
        SELECT 1 FROM event_push_summary AS p WHERE p.user_id = i.user_id AND p.room_id = i.room_id AND p.notif_count > 0
        AND COALESCE(p.thread_id, 'main') = i.thread AND p.stream_ordering > seen.upto AND p.stream_ordering < i.place
    )
    FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) WITH ORDINALITY AS i(user_id, room_id, thread, place, n)
    CROSS JOIN LATERAL (
        SELECT COALESCE(max(e.stream_ordering), 0) AS upto FROM receipts_linearized AS r JOIN events AS e USING (event_id)
        WHERE r.room_id = i.room_id AND r.receipt_type IN ('m.read', 'm.read.private') AND r.user_id = i.user_id
          AND (r.thread_id IS NULL OR r.thread_id = i.thread)
    ) AS seen ORDER BY i.n)sql"};

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
    const auto id = proto::EventId::trusted(row.event_id);
    const auto* const marks = events_.push_marks(id);
    // Who comes or goes counts from there on; and a read that is under way may or may not have seen the event.
    if (!cached || !marks || row.type == proto::event_type::kMember) {
        rooms_.invalidate(row.room_id);
        return;
    }
    auto& room = **cached;
    if (token <= room.upto) return;  // the database was ahead of our position when it was read
    // Only an event that relates to another can be in a thread; what it says must be known then.
    const bool may_be_in_thread = row.relates_to && !marks->empty();
    const auto event = may_be_in_thread ? events_.cached(id) : nullptr;
    if (may_be_in_thread && !event) {
        rooms_.invalidate(row.room_id);
        return;
    }
    std::string thread = kMainThread;
    if (event) {
        proto::ThreadSearch search{*event->event};
        while (const auto* const related = search.wanted()) {
            const auto known = events_.cached(*related);
            if (!known) {
                rooms_.invalidate(row.room_id);
                return;
            }
            search.found(known->event.get());
        }
        thread = search.thread().value_or(kMainThread);
    }
    room.upto = token;
    for (const auto& mark : *marks) {
        auto& counted = room.users[mark.user_id][thread];
        ++counted.counts.notifications;
        counted.counts.highlights += mark.highlight ? 1 : 0;
        counted.newest = token;
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
    const auto named = proto::get_string(row.data, "thread_id");
    const auto read_upto = event->event->stream_ordering();
    for (auto counted = user->second.begin(); counted != user->second.end();) {
        if (named && *named != counted->first) {
            ++counted;
        } else if (read_upto >= counted->second.newest) {
            counted = user->second.erase(counted);
        } else {
            rooms_.invalidate(row.room_id);
            return;
        }
    }
    if (user->second.empty()) users.erase(user);
}

Task<std::shared_ptr<const PushActionStore::OfRoomPtr>> PushActionStore::of_room(std::string room_id) {
    core::Cache<std::string, OfRoomPtr>::Loader load = [this](std::string room) -> Task<OfRoomPtr> {
        auto out = std::make_shared<OfRoom>();
        for (const auto row : co_await context_.db.query(kUnread, room)) {
            out->upto = row[0].i64();
            if (row[1].is_null()) continue;
            out->users[row[1].str()].emplace(row[2].str(), OfThread{{row[3].i64(), row[4].i64()}, row[5].i64()});
        }
        co_return out;
    };
    co_return co_await rooms_.get(std::move(room_id), std::move(load));
}

UnreadCounts PushActionStore::total(const OfUser& user) {
    UnreadCounts sum;
    for (const auto& [thread, counted] : user) {
        sum.notifications += counted.counts.notifications;
        sum.highlights += counted.counts.highlights;
    }
    return sum;
}

Task<std::shared_ptr<const RoomUnread>> PushActionStore::room_unread(std::string room_id) {
    const auto room = co_await of_room(std::move(room_id));
    auto counts = std::make_shared<RoomUnread>();
    for (const auto& [user_id, of_user] : (*room)->users) counts->emplace(user_id, total(of_user));
    co_return counts;
}

Task<UnreadCounts> PushActionStore::unread(std::string room_id, std::string user_id) {
    const auto room = co_await of_room(std::move(room_id));
    const auto found = (*room)->users.find(user_id);
    co_return found == (*room)->users.end() ? UnreadCounts{} : total(found->second);
}

Task<UnreadByThread> PushActionStore::unread_by_thread(std::string room_id, std::string user_id) {
    const auto room = co_await of_room(std::move(room_id));
    UnreadByThread out;
    const auto found = (*room)->users.find(user_id);
    if (found == (*room)->users.end()) co_return out;
    out.total = total(found->second);
    for (const auto& [thread, counted] : found->second) out.threads.emplace(thread, counted.counts);
    co_return out;
}

Task<std::vector<bool>> PushActionStore::unread_before(std::vector<ThreadPlace> places) {
    std::vector<std::string> users;
    std::vector<std::string> rooms;
    std::vector<std::string> threads;
    std::vector<std::int64_t> orderings;
    for (auto& place : places) {
        users.push_back(std::move(place.user_id));
        rooms.push_back(std::move(place.room_id));
        threads.push_back(std::move(place.thread));
        orderings.push_back(place.stream_ordering);
    }
    std::vector<bool> out;
    for (const auto row : co_await context_.db.query(kUnreadBefore, users, rooms, threads, orderings)) out.push_back(row[0].boolean());
    co_return out;
}

}  // namespace weft::storage
