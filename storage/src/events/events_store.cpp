#include "weft/storage/events_store.hpp"

#include "events/events_store_impl.hpp"
#include "weft/core/log.hpp"
#include "weft/core/log_context.hpp"
#include "weft/proto/event_types.hpp"
#include "weft/proto/replication/rows.hpp"

namespace weft::storage {
namespace {

constexpr std::size_t kTimelineRoomsMax = 20'000;
constexpr std::size_t kTimelineEntriesMax = 200;
constexpr std::size_t kPushMarksMax = 2'000;
constexpr std::size_t kVersionsMax = 100'000;

constexpr Sql kRoomVersion{"room_version",
                           "SELECT r.room_version, (SELECT ej.json FROM events e JOIN event_json ej USING (event_id) "
                           "WHERE e.room_id = r.room_id AND e.type = 'm.room.create' AND r.room_version IS NULL LIMIT 1) "
                           "FROM rooms r WHERE r.room_id = $1"};
constexpr Sql kEventOfTransaction{
    "event_of_transaction",
    "SELECT event_id FROM event_txn_id WHERE user_id = $1 AND device_id = $2 AND room_id = $3 AND txn_id = $4"};
constexpr Sql kForwardExtremities{"forward_extremities",
                                  "SELECT f.event_id, e.depth FROM event_forward_extremities f "
                                  "JOIN events e ON e.event_id = f.event_id WHERE f.room_id = $1"};
constexpr Sql kMembershipChanges{
    "membership_changes",
    "SELECT m.room_id, m.event_id, m.membership, m.sender, e.stream_ordering, e.writer_tag FROM room_memberships m "
    "JOIN events e ON e.event_id = m.event_id WHERE m.user_id = $1 AND e.stream_ordering > $2::bigint ORDER BY e.stream_ordering"};

}  // namespace

EventsStore::Impl::Impl(Database& database, StreamState& event_stream, StreamState& backfill_stream, std::size_t cache_entries,
                        asio::any_io_executor on)
    : db{database},
      events{event_stream},
      executor{std::move(on)},
      cache{"events", cache_entries, executor},
      quotes_max{2 * cache_entries + 1'000},
      timelines{kTimelineRoomsMax, kTimelineEntriesMax} {
    event_stream.on_invalidate([this](std::int64_t token, const StreamRows& rows) { apply_live_rows(token, rows); });
    backfill_stream.on_invalidate([this](std::int64_t, const StreamRows& rows) { apply_backfill_rows(rows); });
}

void EventsStore::Impl::invalidate(const proto::EventId& id) {
    ++invalidations;
    cache.invalidate(id);
    const auto [first, last] = quoted_by.equal_range(id);
    for (auto quote = first; quote != last; ++quote) cache.invalidate(quote->second);
    quoted_by.erase(first, last);
}

void EventsStore::Impl::keep(StoredEventPtr stored) {
    const auto id = stored->event->event_id();
    if (const auto replaced = replaced_by(*stored->event)) {
        if (quoted_by.size() >= quotes_max) {
            std::erase_if(quoted_by, [this](const auto& quote) { return !cache.get_if_present(quote.second); });
        }
        quoted_by.emplace(*replaced, id);
    }
    cache.put(id, std::move(stored));
}

void EventsStore::Impl::apply_live_rows(std::int64_t token, const StreamRows& rows) {
    if (!timelines_started) {
        // The first row this process sees: of rooms it knows nothing about, nothing happened since just before it.
        timelines.start_at(events.current());
        timelines_started = true;
    }
    for (const auto& json : rows) {
        const auto row = proto::replication::parse_events_row(json);
        const auto* added = row ? std::get_if<proto::replication::EventsEventRow>(&*row) : nullptr;
        if (!added) continue;
        const auto room_id = proto::RoomId::trusted(added->room_id);
        const auto id = proto::EventId::trusted(added->event_id);
        if (added->redacts) invalidate(proto::EventId::trusted(*added->redacts));
        const auto stored = cache.get_if_present(id);
        if (!stored) {
            timelines.forget_before(room_id, token);
        } else if (!stored->event->rejected() && !stored->event->outlier() && !stored->event->metadata().soft_failed) {
            timelines.add(room_id, {stored->event->stream_ordering(), id, writer_of(*stored->event)});
        }
        events.changes().entity_changed(added->room_id, token);
    }
}

void EventsStore::Impl::apply_backfill_rows(const StreamRows& rows) {
    for (const auto& json : rows) {
        const auto row = proto::replication::BackfillRow::parse(json);
        if (!row) continue;
        invalidate(proto::EventId::trusted(row->event_id));
        if (row->redacts) invalidate(proto::EventId::trusted(*row->redacts));
    }
}

void EventsStore::Impl::remember_push_marks(const proto::EventId& id, std::vector<PushMark> marks) {
    if (!push_marks.insert_or_assign(id, std::move(marks)).second) return;
    push_marks_order.push_back(id);
    if (push_marks_order.size() > kPushMarksMax) {
        push_marks.erase(push_marks_order.front());
        push_marks_order.pop_front();
    }
}

Task<std::unordered_map<proto::EventId, StoredEventPtr>> EventsStore::Impl::collect(std::vector<proto::EventId> ids,
                                                                                   WithPushMarks with_push_marks) {
    std::unordered_map<proto::EventId, StoredEventPtr> out;
    for (;;) {
        std::vector<proto::EventId> mine;
        std::shared_ptr<Load> other;
        std::vector<proto::EventId> open;
        for (auto& id : ids) {
            if (out.contains(id)) continue;
            if (auto hit = cache.get_if_present(id)) {
                out.emplace(std::move(id), std::move(hit));
            } else if (const auto found = loading.find(id); found != loading.end()) {
                other = found->second;
                open.push_back(std::move(id));
            } else {
                mine.push_back(std::move(id));
            }
        }
        if (mine.empty() && !other) co_return out;
        if (!mine.empty()) {
            const auto load = std::make_shared<Load>(executor);
            for (const auto& id : mine) loading.emplace(id, load);
            const auto generation = invalidations;
            LoadedEvents loaded;
            std::exception_ptr failure;
            try {
                loaded = co_await load_events(db, mine, with_push_marks);
            } catch (...) {
                failure = std::current_exception();
            }
            for (const auto& id : mine) loading.erase(id);
            load->done = true;
            load->finished.notify_all();
            if (failure) std::rethrow_exception(failure);
            core::ResourceUsage usage;
            usage.events_fetched = static_cast<std::int64_t>(loaded.events.size());
            core::current_context()->add_usage(usage);
            for (auto& [id, event] : loaded.events) {
                if (generation == invalidations) keep(event);
                out.emplace(id, event);
            }
            for (auto& [id, marks] : loaded.push_marks) remember_push_marks(id, std::move(marks));
        } else {
            while (!other->done) co_await other->finished.wait();
        }
        ids = std::move(open);
    }
}

EventsStore::EventsStore(Database& db, StreamState& events, StreamState& backfill, std::size_t cache_entries,
                         asio::any_io_executor executor)
    : impl_{std::make_unique<Impl>(db, events, backfill, cache_entries, std::move(executor))} {}

EventsStore::~EventsStore() = default;

Task<std::vector<StoredEventPtr>> EventsStore::get_stored(std::vector<proto::EventId> ids, bool allow_rejected) {
    const auto found = co_await impl_->collect(ids, WithPushMarks::kNo);
    std::vector<StoredEventPtr> out;
    out.reserve(ids.size());
    for (const auto& id : ids) {
        const auto event = found.find(id);
        if (event == found.end() || (!allow_rejected && event->second->event->rejected())) continue;
        out.push_back(event->second);
    }
    co_return out;
}

Task<std::vector<proto::EventPtr>> EventsStore::get_events(std::vector<proto::EventId> ids, bool allow_rejected) {
    const auto stored = co_await get_stored(std::move(ids), allow_rejected);
    std::vector<proto::EventPtr> out;
    out.reserve(stored.size());
    for (const auto& event : stored) out.push_back(event->event);
    co_return out;
}

Task<std::vector<proto::EventPtr>> EventsStore::get_events_to_judge(std::vector<proto::EventId> ids) {
    std::vector<proto::EventPtr> out;
    std::vector<proto::EventId> missing;
    for (auto& id : ids) {
        if (const auto hit = cached(id)) {
            out.push_back(hit->event);
        } else {
            missing.push_back(std::move(id));
        }
    }
    if (missing.empty()) co_return out;
    const auto loaded = co_await load_bare_events(impl_->db, std::move(missing));
    for (const auto& [id, stored] : loaded.events) out.push_back(stored->event);
    co_return out;
}

Task<proto::EventPtr> EventsStore::get_event(proto::EventId id) {
    if (const auto hit = cached(id)) co_return hit->event->rejected() ? nullptr : hit->event;
    std::vector<proto::EventId> ids;
    ids.push_back(std::move(id));
    const auto events = co_await get_events(std::move(ids));
    co_return events.empty() ? nullptr : events.front();
}

StoredEventPtr EventsStore::cached(const proto::EventId& id) { return impl_->cache.get_if_present(id); }

void EventsStore::put(StoredEventPtr event) {
    if (const auto replaced_id = replaced_by(*event->event)) {
        const auto replaced = cached(*replaced_id);
        if (!replaced) return;  // whoever wants the event loads it, with what it replaced
        event = std::make_shared<const StoredEvent>(StoredEvent{with_replaced(*event->event, replaced->event.get()), event->redacted_because});
    }
    impl_->keep(std::move(event));
}

Task<const proto::RoomVersion*> EventsStore::room_version(proto::RoomId room_id) {
    if (const auto known = impl_->versions.find(room_id); known != impl_->versions.end()) co_return known->second;
    const auto rows = co_await impl_->db.query(kRoomVersion, room_id.str());
    if (rows.empty()) co_return nullptr;
    const auto row = rows.front();
    const auto* version = row[0].is_null() ? version_in_create_event(row[1].view()) : proto::RoomVersion::find(row[0].view());
    if (version) remember_room_version(room_id, *version);
    co_return version;
}

void EventsStore::forget_room(const proto::RoomId& room_id) {
    // Events are not kept by room; this is rare enough to read the others again.
    ++impl_->invalidations;
    impl_->cache.invalidate_all();
    impl_->timelines.forget_before(room_id, impl_->events.current());
    impl_->versions.erase(room_id);
}

void EventsStore::remember_room_version(const proto::RoomId& room_id, const proto::RoomVersion& version) {
    if (impl_->versions.size() >= kVersionsMax) impl_->versions.clear();
    impl_->versions.insert_or_assign(room_id, &version);
}

Task<std::vector<std::pair<proto::EventId, std::int64_t>>> EventsStore::forward_extremities(proto::RoomId room_id) {
    const auto rows = co_await impl_->db.query(kForwardExtremities, room_id.str());
    std::vector<std::pair<proto::EventId, std::int64_t>> out;
    for (const auto row : rows) out.emplace_back(proto::EventId::trusted(row[0].str()), row[1].i64());
    co_return out;
}

Task<std::optional<proto::EventId>> EventsStore::event_of_transaction(std::string user_id, std::string device_id, proto::RoomId room_id,
                                                                      std::string txn_id) {
    const auto rows = co_await impl_->db.query(kEventOfTransaction, user_id, device_id, room_id.str(), txn_id);
    if (rows.empty()) co_return std::nullopt;
    co_return proto::EventId::trusted(rows.front()[0].str());
}

Task<std::vector<EventsStore::MembershipChange>> EventsStore::membership_changes(std::string user_id, WriterPositions from) {
    const auto rows = co_await impl_->db.query(kMembershipChanges, user_id, from.min());
    std::vector<MembershipChange> out;
    for (const auto row : rows) {
        const auto writer = to_writer_tag(row[5]);
        if (from.covers(writer, row[4].i64())) continue;
        out.push_back(MembershipChange{proto::RoomId::trusted(row[0].str()), proto::EventId::trusted(row[1].str()), row[2].str(),
                                       row[3].str(), row[4].i64(), writer});
    }
    co_return out;
}

Task<void> EventsStore::preload(const StreamRows& rows) {
    std::vector<proto::EventId> ids;
    for (const auto& json : rows) {
        const auto row = proto::replication::parse_events_row(json);
        if (!row) continue;
        if (const auto* added = std::get_if<proto::replication::EventsEventRow>(&*row)) {
            ids.push_back(proto::EventId::trusted(added->event_id));
        } else if (const auto* state = std::get_if<proto::replication::EventsStateRow>(&*row); state && state->event_id) {
            ids.push_back(proto::EventId::trusted(*state->event_id));
        }
    }
    co_await impl_->collect(std::move(ids), WithPushMarks::kYes);
}

const std::vector<PushMark>* EventsStore::push_marks(const proto::EventId& id) const {
    const auto found = impl_->push_marks.find(id);
    return found == impl_->push_marks.end() ? nullptr : &found->second;
}

void EventsStore::put_push_marks(const proto::EventId& id, std::vector<PushMark> marks) {
    impl_->remember_push_marks(id, std::move(marks));
}

}  // namespace weft::storage
