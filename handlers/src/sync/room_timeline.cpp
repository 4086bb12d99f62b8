#include "sync/room_timeline.hpp"

namespace weft::handlers {
namespace {

constexpr std::int64_t kLimitDefault = 10;
constexpr std::int64_t kLimitMax = 100;
/// How often a timeline goes further back because the filter left too little.
constexpr int kRefillsMax = 5;
constexpr std::size_t kRefillEvents = 100;

std::vector<proto::EventId> ids_of(const std::vector<storage::TimelineEntry>& entries) {
    std::vector<proto::EventId> ids;
    ids.reserve(entries.size());
    for (const auto& entry : entries) ids.push_back(entry.event_id);
    return ids;
}

std::size_t count_state(const std::vector<storage::StoredEventPtr>& events) {
    return static_cast<std::size_t>(std::count_if(events.begin(), events.end(), [](const auto& stored) { return stored->event->is_state(); }));
}

}  // namespace

bool RoomTimeline::shows(const proto::EventId& id) const {
    return std::any_of(events.begin(), events.end(), [&](const auto& stored) { return stored->event->event_id() == id; });
}

Task<std::unordered_map<proto::RoomId, RoomTimeline>> TimelineLoader::load(std::vector<TimelineWanted> wanted, std::string user_id,
                                                                           const proto::EventFilter& filter,
                                                                           const std::unordered_set<std::string>& ignored_users) {
    const auto limit = static_cast<std::size_t>(filter.limit_or(kLimitDefault, kLimitMax));
    // Rooms with the same bounds are read together.
    std::map<std::pair<storage::WriterPositions, storage::WriterPositions>, std::vector<proto::RoomId>> by_bounds;
    for (const auto& item : wanted) by_bounds[{item.from, item.to}].push_back(item.room_id);
    std::unordered_map<proto::RoomId, storage::EventsStore::Recent> recents;
    std::vector<proto::EventId> ids;
    for (auto& [bounds, rooms] : by_bounds) {
        auto found = co_await events_.recent_events_of(std::move(rooms), bounds.first, bounds.second, std::max<std::size_t>(limit, 1));
        for (auto& [room_id, recent] : found) {
            const auto more = ids_of(recent.entries);
            ids.insert(ids.end(), more.begin(), more.end());
            recents.emplace(room_id, std::move(recent));
        }
    }
    co_await events_.get_stored(std::move(ids));  // one query for all rooms; what follows finds them in memory

    std::unordered_map<proto::RoomId, RoomTimeline> out;
    for (const auto& item : wanted) {
        out.emplace(item.room_id, co_await fill(item, std::move(recents[item.room_id]), user_id, filter, ignored_users, limit));
    }
    co_return out;
}

Task<RoomTimeline> TimelineLoader::fill(TimelineWanted wanted, storage::EventsStore::Recent recent, const std::string& user_id,
                                        const proto::EventFilter& filter, const std::unordered_set<std::string>& ignored_users,
                                        std::size_t limit) {
    RoomTimeline out;
    out.prev_batch = storage::RoomToken{std::nullopt, wanted.to}.to_string();
    if (filter.admits_nothing()) {
        // Such a timeline is never limited, but the state in it may have changed.
        out.hides_state = !recent.entries.empty();
        co_return out;
    }
    for (int refills = 0;; ++refills) {
        auto loaded = co_await events_.get_stored(ids_of(recent.entries));
        std::erase_if(loaded, [](const auto& stored) { return stored->event->metadata().soft_failed; });
        auto visible = wanted.check_visibility ? co_await visibility_.visible(user_id, loaded) : loaded;
        std::erase_if(visible, [&](const auto& stored) {
            const auto& event = *stored->event;
            if (!filter.matches(event)) return true;
            return !event.is_state() && ignored_users.contains(event.sender().str());
        });
        out.hides_state = out.hides_state || count_state(visible) < count_state(loaded);
        out.window.insert(out.window.begin(), loaded.begin(), loaded.end());
        out.events.insert(out.events.begin(), visible.begin(), visible.end());
        if (out.events.size() >= limit || !recent.limited || refills == kRefillsMax) break;
        const auto first = recent.entries.front().stream_ordering;
        recent = co_await events_.recent_events(wanted.room_id, wanted.from, wanted.to.capped(first - 1), kRefillEvents);
    }
    out.limited = recent.limited;
    if (out.events.size() > limit) {
        out.limited = true;
        out.events.erase(out.events.begin(), out.events.end() - static_cast<std::ptrdiff_t>(limit));
    }
    // The window begins with the first event that is shown: what is older belongs to the state before it.
    if (out.events.empty()) {
        out.window.clear();
        co_return out;
    }
    const auto& oldest = *out.events.front()->event;
    std::erase_if(out.window, [&](const auto& stored) { return stored->event->stream_ordering() < oldest.stream_ordering(); });
    out.prev_batch = storage::RoomToken{oldest.depth(), oldest.stream_ordering() - 1}.to_string();
    co_return out;
}

std::optional<StateChanges> undo_window(const RoomTimeline& timeline) {
    StateChanges undone;
    for (auto place = timeline.window.rbegin(); place != timeline.window.rend(); ++place) {
        const auto& event = *(*place)->event;
        const auto older = std::next(place);
        const auto& prev = event.prev_events();
        const bool first_of_room = prev.empty();
        const bool follows = older == timeline.window.rend() || (prev.size() == 1 && prev.front() == (*older)->event->event_id());
        if (!first_of_room && (prev.size() != 1 || !follows)) return std::nullopt;
        if (!event.is_state()) continue;
        const auto replaced = proto::get_string(event.unsigned_data(), "replaces_state");
        undone[event.key()] = replaced ? std::optional{proto::EventId::trusted(std::string{*replaced})} : std::nullopt;
    }
    return undone;
}

}  // namespace weft::handlers
