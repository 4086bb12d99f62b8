#include "events/recent_timelines.hpp"

#include <algorithm>

namespace weft::storage {

RecentTimelines::Room& RecentTimelines::touch(const proto::RoomId& room_id) {
    if (const auto found = rooms_.find(room_id); found != rooms_.end()) {
        order_.splice(order_.begin(), order_, found->second.place);
        return found->second;
    }
    if (rooms_.size() >= rooms_max_) {
        const auto oldest = rooms_.find(order_.back());
        // Rooms that are not here are assumed quiet since floor_: that must stay true for the one that leaves.
        const auto& gone = oldest->second;
        floor_ = std::max({floor_, gone.floor, gone.entries.empty() ? 0 : gone.entries.back().stream_ordering});
        rooms_.erase(oldest);
        order_.pop_back();
    }
    order_.push_front(room_id);
    auto& room = rooms_[room_id];
    room.floor = floor_;
    room.place = order_.begin();
    return room;
}

void RecentTimelines::add(const proto::RoomId& room_id, TimelineEntry entry) {
    auto& room = touch(room_id);
    if (entry.stream_ordering <= room.floor) return;
    // Rows may come again after a reconnect; the order of a room's timeline is that of its tokens.
    const auto place = std::ranges::lower_bound(room.entries, entry.stream_ordering, {}, &TimelineEntry::stream_ordering);
    if (place != room.entries.end()) {
        if (place->stream_ordering != entry.stream_ordering) room.entries.insert(place, std::move(entry));
        return;
    }
    room.entries.push_back(std::move(entry));
    if (room.entries.size() > entries_max_) {
        room.floor = room.entries.front().stream_ordering;
        room.entries.pop_front();
    }
}

void RecentTimelines::forget_before(const proto::RoomId& room_id, std::int64_t token) {
    auto& room = touch(room_id);
    room.entries.clear();
    room.floor = std::max(room.floor, token);
}

std::optional<EventsStore::Recent> RecentTimelines::find(const proto::RoomId& room_id, const WriterPositions& from,
                                                         const WriterPositions& to, std::size_t limit) {
    const auto found = rooms_.find(room_id);
    EventsStore::Recent out;
    if (found == rooms_.end()) return from.min() < floor_ ? std::nullopt : std::optional{out};
    const auto& entries = found->second.entries;
    for (auto entry = entries.rbegin(); entry != entries.rend() && entry->stream_ordering > from.min(); ++entry) {
        if (!to.covers(entry->writer, entry->stream_ordering) || from.covers(entry->writer, entry->stream_ordering)) continue;
        if (out.entries.size() == limit) {
            out.limited = true;
            break;
        }
        out.entries.push_back(*entry);
    }
    // With more than enough of them, it does not matter what came before.
    if (!out.limited && from.min() < found->second.floor) return std::nullopt;
    std::ranges::reverse(out.entries);
    return out;
}

}  // namespace weft::storage
