#pragma once

#include <deque>
#include <list>
#include <optional>
#include <unordered_map>
#include <vector>

#include "weft/storage/events_store.hpp"

namespace weft::storage {

/// The newest events of each room, kept up from the events stream, so that an incremental sync reads no database.
/// Knows every live event after a room's floor. Bounded in rooms and in events a room.
class RecentTimelines {
public:
    RecentTimelines(std::size_t rooms_max, std::size_t entries_max) : rooms_max_{rooms_max}, entries_max_{entries_max} {}

    /// Everything after `floor` will be told.
    void start_at(std::int64_t floor) { floor_ = floor; }
    void add(const proto::RoomId& room_id, TimelineEntry entry);
    /// Something happened in the room at `token` that is not understood: what came before cannot be answered from here.
    void forget_before(const proto::RoomId& room_id, std::int64_t token);
    /// The newest `limit` events after `from` and not after `to`, or nothing if memory neither reaches back to `from` nor holds more than these.
    std::optional<EventsStore::Recent> find(const proto::RoomId& room_id, const WriterPositions& from, const WriterPositions& to, std::size_t limit);

private:
    struct Room {
        std::deque<TimelineEntry> entries;
        std::int64_t floor = 0;
        std::list<proto::RoomId>::iterator place;
    };
    Room& touch(const proto::RoomId& room_id);

    std::size_t rooms_max_;
    std::size_t entries_max_;
    std::int64_t floor_ = 0;  // of rooms that are not here
    std::unordered_map<proto::RoomId, Room> rooms_;
    std::list<proto::RoomId> order_;  // most recently active first
};

}  // namespace weft::storage
