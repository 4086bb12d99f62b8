#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "weft/core/cache.hpp"
#include "weft/proto/event.hpp"
#include "weft/proto/filter.hpp"
#include "weft/storage/database.hpp"
#include "weft/storage/stream_state.hpp"
#include "weft/storage/writer_positions.hpp"

namespace weft::storage {

/// An event as it may be shown: pruned if it was redacted, and then with the redaction.
struct StoredEvent {
    proto::EventPtr event;
    proto::EventPtr redacted_because;  // null if it was not redacted
};
using StoredEventPtr = std::shared_ptr<const StoredEvent>;

/// A local user whom an event notified.
struct PushMark {
    std::string user_id;
    bool highlight = false;
};

/// Place of an event in its room's live timeline.
struct TimelineEntry {
    std::int64_t stream_ordering;
    proto::EventId event_id;
    WriterTag writer = std::nullopt;
};

/// A point in a room's history for pagination: between events, ordered by (topological, stream). Rooms' timelines that
/// are read forward in stream order have no topological part, and a position in the whole stream. Text form: `s<stream>`,
/// `m<positions>` where writers differ, or `t<topological>-<stream>`.
struct RoomToken {
    std::optional<std::int64_t> topological;
    WriterPositions stream = 0;

    static core::Result<RoomToken> parse(std::string_view text);
    std::string to_string() const;
};

enum class Direction { kForward, kBackward };

struct TimelinePage {
    std::vector<proto::EventId> events;  // in the order of the direction asked for
    RoomToken next;                      // where to go on
    bool more = false;                   // there is something beyond `next`
};

/// Reads events: by ID through a shared cache, and timelines. Constructed in every process. Logic thread only.
class EventsStore {
public:
    EventsStore(Database& db, StreamState& events, StreamState& backfill, std::size_t cache_entries,
                asio::any_io_executor executor);
    ~EventsStore();

    /// Events by ID, in the order asked for, unknown ones left out; what is not cached is read in one query, and
    /// concurrent readers of one event share it. Rejected events are left out unless `allow_rejected`.
    Task<std::vector<StoredEventPtr>> get_stored(std::vector<proto::EventId> ids, bool allow_rejected = false);
    Task<std::vector<proto::EventPtr>> get_events(std::vector<proto::EventId> ids, bool allow_rejected = false);
    Task<proto::EventPtr> get_event(proto::EventId id);  // null if unknown or rejected
    /// For state resolution: rejected ones too, perhaps without `prev_content` and the like, in one query. Not kept.
    Task<std::vector<proto::EventPtr>> get_events_to_judge(std::vector<proto::EventId> ids);
    /// From memory only; null if it is not there.
    StoredEventPtr cached(const proto::EventId& id);
    /// The persister just committed it.
    void put(StoredEventPtr event);

    /// Version of a room, null if the room is unknown. From `rooms`, else from its create event.
    Task<const proto::RoomVersion*> room_version(proto::RoomId room_id);
    /// The room is gone from the database, in part or all of it: nothing of it stays in memory.
    void forget_room(const proto::RoomId& room_id);
    void remember_room_version(const proto::RoomId& room_id, const proto::RoomVersion& version);

    /// Live events of a room after `from` and not after `to`: the newest `limit`, oldest first. Answered from memory if
    /// the recent past reaches back to `from`. `limited` if there are more.
    struct Recent {
        std::vector<TimelineEntry> entries;
        bool limited = false;
    };
    Task<Recent> recent_events(proto::RoomId room_id, WriterPositions from, WriterPositions to, std::size_t limit);
    /// The same for many rooms, in one query for those that memory does not answer (initial sync).
    Task<std::unordered_map<proto::RoomId, Recent>> recent_events_of(std::vector<proto::RoomId> rooms, WriterPositions from,
                                                                    WriterPositions to, std::size_t limit);
    /// A page of the room's history for /messages and /context. `to` bounds it; events the filter does not want are
    /// left out but still move `next`.
    Task<TimelinePage> paginate(proto::RoomId room_id, RoomToken from, std::optional<RoomToken> to, Direction direction,
                                std::size_t limit, proto::EventFilter filter);
    /// Live events sent at the time or later (forward), at it or earlier (backward), closest first.
    Task<std::vector<proto::EventId>> events_by_time(proto::RoomId room_id, std::int64_t time_ms, Direction direction,
                                                     std::size_t limit, std::size_t offset);
    /// Where an event stands, null if it is unknown or an outlier.
    Task<std::optional<RoomToken>> token_of(proto::EventId event_id);

    /// Forward extremities with their depths.
    Task<std::vector<std::pair<proto::EventId, std::int64_t>>> forward_extremities(proto::RoomId room_id);
    /// The event that the transaction ID of this device already made in the room, if any.
    Task<std::optional<proto::EventId>> event_of_transaction(std::string user_id, std::string device_id, proto::RoomId room_id,
                                                             std::string txn_id);
    /// All membership events of a user that took place after `from`, as far as they are stored, oldest first.
    struct MembershipChange {
        proto::RoomId room_id;
        proto::EventId event_id;
        std::string membership;
        std::string sender;
        std::int64_t stream_ordering;
        WriterTag writer;
    };
    Task<std::vector<MembershipChange>> membership_changes(std::string user_id, WriterPositions from);

    /// Catch-up of the events and backfill streams, of what `instance` wrote: rows of replication.md §3.3, never splitting a token.
    struct Updates {
        std::vector<std::pair<std::int64_t, boost::json::value>> rows;
        std::int64_t upto = 0;
        bool limited = false;
    };
    Task<Updates> updates(std::string instance, std::int64_t from, std::int64_t upto, std::size_t limit);
    Task<Updates> backfill_updates(std::int64_t from, std::int64_t upto, std::size_t limit);

    /// Loads what the rows of the events stream name, before they are applied: all users who wait share this one load.
    Task<void> preload(const StreamRows& rows);
    /// Whom a recent live event notified; null if that is not in memory. Known for events that were preloaded or stored here.
    const std::vector<PushMark>* push_marks(const proto::EventId& id) const;
    void put_push_marks(const proto::EventId& id, std::vector<PushMark> marks);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace weft::storage
