#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "weft/core/cache.hpp"
#include "weft/core/stream_change_cache.hpp"
#include "weft/storage/events_store.hpp"
#include "weft/storage/store_context.hpp"

namespace weft::storage {

/// What one user wrote in a thread.
struct ThreadPart {
    std::string sender;
    std::int64_t events = 0;
    proto::EventId latest;
    std::pair<std::int64_t, std::int64_t> place;  // of `latest`: topological and stream ordering
};

struct EventReference {
    proto::EventId event_id;
    std::string sender;
};

/// What other events of the room say about one, as far as the server sums it up. Redacted events count for
/// nothing.
struct EventRelations {
    std::vector<proto::EventId> edits;  // by the sender, of the same type; newest first, the newest few
    std::vector<ThreadPart> thread;
    std::vector<EventReference> references;  // oldest first

    bool empty() const { return edits.empty() && thread.empty() && references.empty(); }
};
using EventRelationsPtr = std::shared_ptr<const EventRelations>;

/// Events that relate to one, in pages.
struct RelationQuery {
    RelationQuery(proto::RoomId room, proto::EventId parent)
        : room_id{std::move(room)}, event_id{std::move(parent)} {}

    proto::RoomId room_id;
    proto::EventId event_id;
    std::optional<std::string> rel_type;
    std::optional<std::string> event_type;
    Direction direction = Direction::kBackward;
    std::optional<RoomToken> from;
    std::optional<RoomToken> to;
    std::size_t limit = 1;
    int depth = 1;  // 2: also what relates to those, and so on
};

struct ThreadQuery {
    explicit ThreadQuery(proto::RoomId room) : room_id{std::move(room)} {}

    proto::RoomId room_id;
    std::optional<RoomToken> from;           // goes on behind it
    std::optional<std::string> participant;  // only threads in which this user wrote something
    std::size_t limit = 1;
};

/// Relations between events (client-server API, "Forming relationships between events"). What is summed up is
/// kept in memory, and the rows of the events stream keep that up to date: an event that just came has no
/// relations yet, which costs no query to know. Logic thread only.
class RelationStore {
public:
    RelationStore(StoreContext context, StreamState& events);

    /// For each of the events that have any relations. One query for all that are not in memory.
    Task<std::unordered_map<proto::EventId, EventRelationsPtr>> of_events(std::vector<proto::EventId> ids);
    /// `next` is where to go on in the direction.
    Task<TimelinePage> page(RelationQuery query);
    /// Roots of threads, that with the newest answer first.
    Task<TimelinePage> threads(ThreadQuery query);

private:
    struct Cached {
        EventRelations relations;
        std::string room_id;         // empty if there are no relations
        std::int64_t loaded_at = 0;  // rows_seen_ then
    };

    void on_rows(const StreamRows& rows);
    std::shared_ptr<const Cached> cached(const std::string& event_id);

    StoreContext context_;
    std::int64_t rows_seen_ = 0;
    core::Cache<std::string, Cached> cache_;
    core::StreamChangeCache parents_;     // event ID: something came to relate to it
    core::StreamChangeCache redactions_;  // room ID
};

}  // namespace weft::storage
