#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "weft/handlers/reading/visibility.hpp"
#include "weft/proto/filter.hpp"
#include "weft/storage/events_store.hpp"
#include "weft/storage/state_store.hpp"

namespace weft::handlers {

/// What one room's timeline section shows, and what lies under it.
struct RoomTimeline {
    std::vector<storage::StoredEventPtr> events;  // shown, oldest first
    std::vector<storage::StoredEventPtr> window;  // all events from the first shown one on, also those the filter rejects
    bool limited = false;
    bool hides_state = false;  // state events since the client's token were looked at and are not shown
    std::string prev_batch;

    bool shows(const proto::EventId& id) const;
};

/// A stretch of a room that is to be shown: events after `from` and not after `to`.
struct TimelineWanted {
    proto::RoomId room_id;
    storage::WriterPositions from = 0;
    storage::WriterPositions to = 0;
    /// The user has not been joined all the time: each event's visibility is checked.
    bool check_visibility = false;
};

/// Loads timelines of many rooms with few queries.
class TimelineLoader {
public:
    TimelineLoader(storage::EventsStore& events, Visibility& visibility) : events_{events}, visibility_{visibility} {}

    Task<std::unordered_map<proto::RoomId, RoomTimeline>> load(std::vector<TimelineWanted> wanted, std::string user_id,
                                                               const proto::EventFilter& filter,
                                                               const std::unordered_set<std::string>& ignored_users);

private:
    Task<RoomTimeline> fill(TimelineWanted wanted, storage::EventsStore::Recent recent, const std::string& user_id,
                            const proto::EventFilter& filter, const std::unordered_set<std::string>& ignored_users, std::size_t limit);

    storage::EventsStore& events_;
    Visibility& visibility_;
};

/// Key → the event that holds it, or none.
using StateChanges = std::map<proto::StateKey, std::optional<proto::EventId>>;

/// The state at the start of a timeline, told as differences to the state at its end: each state event of the window is
/// undone, newest first. Nothing if the window is not a simple chain, where only state groups know.
std::optional<StateChanges> undo_window(const RoomTimeline& timeline);

}  // namespace weft::handlers
