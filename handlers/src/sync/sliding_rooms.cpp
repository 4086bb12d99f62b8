// Rooms of sliding sync: timeline, state and description of those in windows.
#include <algorithm>

#include "sync/sliding_impl.hpp"
#include "sync/sync_room.hpp"
#include "weft/proto/client_event.hpp"
#include "weft/proto/event_types.hpp"
#include "weft/proto/json.hpp"

namespace weft::handlers {
namespace {

namespace event_type = proto::event_type;
namespace json = boost::json;

constexpr std::string_view kLazy = "$LAZY";
constexpr std::string_view kMe = "$ME";
constexpr std::int64_t kTimelineLimitMax = 100;

bool wants_lazy_members(const RequiredState& required) {
    return std::any_of(required.begin(), required.end(), [](const auto& entry) {
        return entry.first == event_type::kMember && entry.second == kLazy;
    });
}

bool requires_key(const RequiredState& required, const proto::StateKey& key, const std::string& user_id) {
    return std::any_of(required.begin(), required.end(), [&](const auto& entry) {
        const auto& [type, state_key] = entry;
        if (type != "*" && type != key.type()) return false;
        // Members are loaded lazily where that is asked for, whatever else would bring them all.
        return state_key == "*" || (state_key == kMe ? user_id : state_key) == key.state_key();
    });
}

}  // namespace

bool SlidingSync::Impl::has_news(const SlidingWanted& wanted) const {
    return wanted.initial || wanted.expanded || wanted.more_required || wanted.counts_changed ||
           !wanted.from.room.covers(wanted.room.room.writer, wanted.room.room.stream_ordering) ||
           sources.events_stream.changes().has_changed(wanted.room.room.room_id.str(),
                                                       wanted.from.room.min());
}

/// Besides what the extension tells of them: after a receipt of the user's own the room has other counts.
Task<void> SlidingSync::Impl::read_receipts(const SlidingSyncRequest& request, SlidingWantedRooms& wanted,
                                            const SlidingAnswer& answer) {
    for (auto& [room_id, room] : wanted) {
        if (room.initial || room.room.standing != SlidingStanding::kJoined) continue;
        if (!sources.receipts.stream().changes().has_changed(room_id, room.from.receipts)) continue;
        std::vector<std::string> rooms{room_id};
        room.receipts =
            co_await sources.receipts.changed(std::move(rooms), room.from.receipts, answer.next.receipts);
        room.counts_changed =
            std::any_of(room.receipts.begin(), room.receipts.end(),
                        [&](const auto& receipt) { return receipt->user_id == request.user_id; });
    }
}

Task<void> SlidingSync::Impl::add_rooms(const SlidingSyncRequest& request, const SlidingWantedRooms& wanted,
                                        const UserFacts& facts, SlidingAnswer& answer) {
    std::vector<const SlidingWanted*> with_timeline;
    for (const auto& [room_id, room] : wanted) {
        if (!has_news(room)) continue;
        if (room.room.standing == SlidingStanding::kPending) {
            if (room.initial || !room.from.room.covers(room.room.room.writer, room.room.room.stream_ordering))
                answer.rooms.emplace(room_id, co_await pending_room(room));
        } else {
            with_timeline.push_back(&room);
        }
    }
    auto loaded = co_await timelines_of(request, with_timeline, answer.next);
    for (const auto* const room : with_timeline) {
        const auto& room_id = room->room.room.room_id.str();
        auto shown = co_await joined_room(request, *room, std::move(loaded[room_id]), answer.next);
        const bool empty = shown.timeline.events.empty() && !shown.timeline.limited &&
                           shown.required_state.empty() && !shown.members;
        if (empty && !room->initial && !room->counts_changed) continue;
        answer.rooms.emplace(room_id, std::move(shown));
    }
    for (auto& [room_id, shown] : answer.rooms) {
        const auto& room = wanted.at(room_id);
        shown.membership = room.room.room.membership;
        shown.bump_stamp = room.room.recency;
        if (room.initial) shown.is_dm = facts.direct.contains(room_id);
        shown.unread = co_await sources.push_action_counts.unread(room_id, request.user_id);
    }
}

/// Rooms of which as many events are wanted are read together.
Task<std::unordered_map<std::string, RoomTimeline>> SlidingSync::Impl::timelines_of(
    const SlidingSyncRequest& request, const std::vector<const SlidingWanted*>& rooms,
    const SyncToken& next) {
    std::map<std::int64_t, std::vector<TimelineWanted>> by_limit;
    for (const auto* const wanted : rooms) {
        const auto& room = wanted->room.room;
        const bool left = wanted->room.standing == SlidingStanding::kLeft;
        const auto from =
            wanted->initial || wanted->expanded ? storage::WriterPositions{} : wanted->from.room;
        const auto to = left ? next.room.capped(room.stream_ordering) : next.room;
        const auto limit =
            left ? kTimelineLimitMax : std::min(wanted->config.timeline_limit, kTimelineLimitMax);
        by_limit[limit].push_back({room.room_id, from, to, true});
    }
    const auto ignored = co_await ignored_users(sources.account_data, request.user_id);
    std::unordered_map<std::string, RoomTimeline> out;
    for (auto& [limit, group] : by_limit) {
        proto::EventFilter filter;
        filter.limit = limit;
        for (auto& [room_id, timeline] :
             co_await timelines.load(std::move(group), request.user_id, filter, ignored)) {
            out.emplace(room_id.str(), std::move(timeline));
        }
    }
    co_return out;
}

Task<SlidingRoomAnswer> SlidingSync::Impl::joined_room(const SlidingSyncRequest& request,
                                                       const SlidingWanted& wanted, RoomTimeline timeline,
                                                       const SyncToken& next) {
    SlidingRoomAnswer out;
    out.initial = wanted.initial;
    out.expanded_timeline = wanted.expanded && !wanted.initial;
    out.timeline = std::move(timeline);
    if (request.pos) {
        for (const auto& stored : out.timeline.events) {
            const auto& event = *stored->event;
            if (!request.pos->streams.room.covers(storage::writer_of(event), event.stream_ordering()))
                ++out.live_events;
        }
    }
    if (wanted.room.standing == SlidingStanding::kJoined) {
        const auto state = co_await sources.states.current_state(wanted.room.room.room_id);
        co_await add_required_state(request, wanted, next, state, out);
        co_return out;
    }
    // Of a room that was left the end of the stay is told, which may not be in the timeline.
    std::vector<proto::EventId> ids{wanted.room.room.event_id};
    out.required_state = co_await sources.events.get_stored(std::move(ids));
    co_return out;
}

Task<SlidingRoomAnswer> SlidingSync::Impl::pending_room(const SlidingWanted& wanted) {
    SlidingRoomAnswer out;
    out.initial = wanted.initial;
    json::array events;
    if (const auto member = co_await sources.events.get_event(wanted.room.room.event_id)) {
        for (const auto* const key : {"invite_room_state", "knock_room_state"}) {
            if (const auto* const told = proto::get_array(member->unsigned_data(), key)) events = *told;
        }
        events.push_back(proto::stripped_state(*member));
    }
    out.invite_state = proto::to_json(json::value(std::move(events)));
    co_return out;
}

Task<void> SlidingSync::Impl::add_required_state(const SlidingSyncRequest& request,
                                                 const SlidingWanted& wanted, const SyncToken& next,
                                                 storage::RoomStatePtr state, SlidingRoomAnswer& out) {
    const auto& required = wanted.config.required_state;
    const auto& room_id = wanted.room.room.room_id;
    std::unordered_set<proto::EventId> chosen;
    const auto choose = [&](const proto::StateKey& key) {
        if (const auto found = state->events.find(key); found != state->events.end())
            chosen.insert(found->second);
    };
    std::set<std::string> changed_types;
    if (wanted.initial || wanted.more_required) {
        for (const auto& [key, id] : state->events) {
            if (!requires_key(required, key, request.user_id)) continue;
            if (wanted.initial || !requires_key(wanted.known, key, request.user_id)) chosen.insert(id);
        }
    }
    if (!wanted.initial &&
        sources.events_stream.changes().has_changed(room_id.str(), wanted.from.room.min())) {
        for (const auto& key : co_await sources.states.changed_keys(room_id, wanted.from.room, next.room)) {
            changed_types.insert(key.type());
            if (requires_key(required, key, request.user_id)) choose(key);
        }
    }
    if (wants_lazy_members(required)) {
        const LazyMembers::Exchange exchange{
            lazy_device(request), request.pos ? request.pos->streams.room.sum() : 0, next.room.sum()};
        std::set<std::string> senders;
        for (const auto& stored : out.timeline.events) senders.insert(stored->event->sender().str());
        for (const auto& sender : senders) {
            const auto* const id = state->find(event_type::kMember, sender);
            if (id && lazy.take(exchange, room_id.str() + '\x1f' + sender, id->str())) chosen.insert(*id);
        }
    }
    std::vector<proto::EventId> ids{chosen.begin(), chosen.end()};
    out.required_state = co_await sources.events.get_stored(std::move(ids));
    co_await add_description(request, wanted, state, changed_types, out);
}

/// Name, avatar and numbers: all of them at first, then what changed.
Task<void> SlidingSync::Impl::add_description(const SlidingSyncRequest& request, const SlidingWanted& wanted,
                                              storage::RoomStatePtr state,
                                              const std::set<std::string>& changed_types,
                                              SlidingRoomAnswer& out) {
    const auto concerns = [&](std::string_view type) {
        return wanted.initial || changed_types.contains(std::string{type});
    };
    const auto text_of = [&](std::string_view type, std::string_view key) -> Task<std::string> {
        const auto* const id = state->find(type);
        const auto event = id ? co_await sources.events.get_event(*id) : nullptr;
        co_return event ? std::string{proto::get_string(event->content(), key).value_or("")} : "";
    };
    const bool members_changed = concerns(event_type::kMember);
    if (members_changed) out.members = {state->joined, state->invited};
    if (members_changed || concerns(event_type::kName) || concerns(event_type::kCanonicalAlias)) {
        auto name = co_await text_of(event_type::kName, "name");
        if (name.empty()) name = co_await text_of(event_type::kCanonicalAlias, "alias");
        if (!name.empty()) {
            out.name = std::move(name);
        } else {
            std::vector<proto::EventId> heroes;
            for (const auto& hero : room_heroes(*state, request.user_id)) {
                if (const auto* const id = state->find(event_type::kMember, hero)) heroes.push_back(*id);
            }
            out.heroes = co_await sources.events.get_stored(std::move(heroes));
        }
    }
    if (concerns(event_type::kAvatar)) {
        auto url = co_await text_of(event_type::kAvatar, "url");
        out.avatar_removed = url.empty() && !wanted.initial;
        if (!url.empty()) out.avatar = std::move(url);
    }
}

}  // namespace weft::handlers
