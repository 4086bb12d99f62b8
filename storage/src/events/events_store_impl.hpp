#pragma once

#include "events/event_loader.hpp"
#include "events/recent_timelines.hpp"
#include "weft/core/cache.hpp"
#include "weft/storage/events_store.hpp"

namespace weft::storage {

/// State of EventsStore, shared by its source files.
struct EventsStore::Impl {
    /// Events that somebody reads right now; others who want them wait for it.
    struct Load {
        explicit Load(const asio::any_io_executor& executor) : finished{executor} {}
        core::Signal finished;
        bool done = false;
    };
    using Cached = core::Cache<proto::EventId, StoredEvent>;

    Impl(Database& database, StreamState& events, StreamState& backfill, std::size_t cache_entries, asio::any_io_executor on);

    /// Brings all of `ids` into the result, from memory or with one query for the rest.
    Task<std::unordered_map<proto::EventId, StoredEventPtr>> collect(std::vector<proto::EventId> ids, WithPushMarks with_push_marks);
    void apply_live_rows(std::int64_t token, const StreamRows& rows);
    void apply_backfill_rows(const StreamRows& rows);
    void invalidate(const proto::EventId& id);
    /// Keeps an event in memory, and in mind what it quotes.
    void keep(StoredEventPtr event);
    void remember_push_marks(const proto::EventId& id, std::vector<PushMark> marks);

    Database& db;
    StreamState& events;
    asio::any_io_executor executor;
    Cached cache;
    /// Events in memory by the one whose content they quote (prev_content): they go with it when it is redacted.
    std::unordered_multimap<proto::EventId, proto::EventId> quoted_by;
    std::size_t quotes_max;
    std::unordered_map<proto::EventId, std::shared_ptr<Load>> loading;
    std::uint64_t invalidations = 0;  // a load that began before one does not fill the cache
    RecentTimelines timelines;
    bool timelines_started = false;
    std::unordered_map<proto::EventId, std::vector<PushMark>> push_marks;
    std::deque<proto::EventId> push_marks_order;
    std::unordered_map<proto::RoomId, const proto::RoomVersion*> versions;
};

}  // namespace weft::storage
