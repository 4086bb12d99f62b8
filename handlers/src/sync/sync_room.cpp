#include "sync/sync_room.hpp"

#include "weft/proto/event_types.hpp"

namespace weft::handlers {
namespace {

constexpr std::size_t kHeroesMax = 5;

void write_section(proto::JsonWriter& writer, std::string_view name, const std::vector<std::string>& events) {
    writer.key(name).begin_object().key("events").begin_array();
    for (const auto& event : events) writer.raw(event);
    writer.end_array().end_object();
}

void write_events_section(proto::JsonWriter& writer, std::string_view name, const std::vector<storage::StoredEventPtr>& events,
                          const EventViewer& viewer) {
    writer.key(name).begin_object().key("events");
    append_events(writer.begin_raw_value(), events, viewer);
    writer.end_object();
}

void write_timeline_and_state(proto::JsonWriter& writer, const SyncRoom& room, const EventViewer& viewer) {
    writer.key("timeline").begin_object().key("events");
    append_events(writer.begin_raw_value(), room.timeline.events, viewer);
    writer.member("limited", room.timeline.limited).member("prev_batch", room.timeline.prev_batch).end_object();
    write_events_section(writer, "state", room.state, viewer);
    write_section(writer, "account_data", room.account_data);
}

}  // namespace

std::vector<std::string> room_heroes(const storage::RoomState& state, const std::string& user_id) {
    std::vector<std::string> present;
    std::vector<std::string> gone;
    for (const auto& [member_id, member] : state.members) {
        if (member_id == user_id) continue;
        (member.membership == "join" || member.membership == "invite" ? present : gone).push_back(member_id);
    }
    auto& heroes = present.empty() ? gone : present;
    const auto count = std::min(heroes.size(), kHeroesMax);
    std::partial_sort(heroes.begin(), heroes.begin() + static_cast<std::ptrdiff_t>(count), heroes.end());
    heroes.resize(count);
    return heroes;
}

boost::json::object room_summary(const storage::RoomState& state, const std::string& user_id) {
    boost::json::object out{{"m.joined_member_count", state.joined}, {"m.invited_member_count", state.invited}};
    if (!state.find(proto::event_type::kName) && !state.find(proto::event_type::kCanonicalAlias)) {
        boost::json::array heroes;
        for (const auto& hero : room_heroes(state, user_id)) heroes.emplace_back(hero);
        out["m.heroes"] = std::move(heroes);
    }
    return out;
}

Task<std::vector<proto::EventId>> RoomStateChooser::choose(Wanted wanted, proto::RoomId room_id, const RoomTimeline& timeline,
                                                           storage::RoomStatePtr end) {
    const auto& filter = wanted.filter->room.state;
    const bool lazy = wanted.filter->lazy_load_members();
    std::vector<proto::EventId> out;
    if (filter.admits_nothing()) co_return out;

    // The state at the start of the timeline: the end's, with the timeline undone; from state groups where the room forked.
    auto undone = undo_window(timeline);
    storage::StateMapPtr start_from_group;
    if (!undone) {
        start_from_group = co_await states_.state_before(timeline.window.front()->event->event_id());
        undone.emplace();
    }
    const auto at_start = [&](const proto::StateKey& key) -> const proto::EventId* {
        if (start_from_group) {
            const auto found = start_from_group->find(key);
            return found == start_from_group->end() ? nullptr : &found->second;
        }
        if (const auto change = undone->find(key); change != undone->end()) return change->second ? &*change->second : nullptr;
        const auto found = end->events.find(key);
        return found == end->events.end() ? nullptr : &found->second;
    };
    std::unordered_set<proto::EventId> chosen;
    const auto add = [&](const proto::EventId& id) {
        if (!timeline.shows(id) && chosen.insert(id).second) out.push_back(id);
    };

    std::unordered_set<std::string> wanted_members;
    if (lazy) {
        for (const auto& stored : timeline.events) wanted_members.insert(stored->event->sender().str());
        if (wanted.full) {
            wanted_members.insert(wanted.user_id);
            for (auto& hero : room_heroes(*end, wanted.user_id)) wanted_members.insert(std::move(hero));
        }
    }
    const auto skip = [&](const proto::StateKey& key) {
        if (!filter.matches_type(key.type)) return true;
        return lazy && key.type == proto::event_type::kMember;  // members are added one by one below
    };

    if (wanted.full) {
        std::unordered_set<proto::StateKey> keys;
        if (start_from_group) {
            for (const auto& [key, id] : *start_from_group) keys.insert(key);
        } else {
            for (const auto& [key, id] : *undone) keys.insert(key);
        }
        for (const auto& [key, id] : end->events) keys.insert(key);
        for (const auto& key : keys) {
            if (skip(key)) continue;
            if (const auto* id = at_start(key)) add(*id);
        }
        // What the filter kept out of the timeline is part of the state all the same.
        for (const auto& stored : timeline.window) {
            const auto& event = *stored->event;
            if (event.is_state() && !skip(event.key())) {
                if (const auto found = end->events.find(event.key()); found != end->events.end()) add(found->second);
            }
        }
    } else {
        const bool window_is_whole = timeline.window.size() == timeline.events.size();
        if (timeline.limited || !window_is_whole) {
            for (const auto& key : co_await states_.changed_keys(room_id, wanted.since, wanted.now)) {
                // With lazy loading members that changed are news as well: the client may know the old ones.
                if (!filter.matches_type(key.type)) continue;
                std::vector<proto::EventId> candidates;
                if (const auto* id = at_start(key)) candidates.push_back(*id);
                if (const auto found = end->events.find(key); !window_is_whole && found != end->events.end()) candidates.push_back(found->second);
                for (const auto& event : co_await events_.get_events(std::move(candidates))) {
                    if (event->stream_ordering() > wanted.since) add(event->event_id());
                }
            }
        }
    }
    if (lazy && filter.matches_type(proto::event_type::kMember)) {
        for (const auto& user_id : wanted_members) {
            const proto::StateKey key{std::string{proto::event_type::kMember}, user_id};
            const auto* id = at_start(key);
            if (!id || timeline.shows(*id)) continue;
            const bool fresh = lazy_.take(wanted.device, room_id.str() + '\x1f' + user_id, id->str());
            if (fresh || filter.include_redundant_members || wanted.full) add(*id);
        }
    }
    co_return out;
}

void write_joined_room(proto::JsonWriter& writer, const SyncRoom& room, const EventViewer& viewer) {
    writer.begin_object();
    write_timeline_and_state(writer, room, viewer);
    write_section(writer, "ephemeral", room.ephemeral);
    writer.key("summary");
    if (room.summary) {
        writer.value(*room.summary);
    } else {
        writer.raw("{}");
    }
    if (room.unread) {
        writer.key("unread_notifications")
            .begin_object()
            .member("notification_count", room.unread->notifications)
            .member("highlight_count", room.unread->highlights)
            .end_object();
    }
    writer.end_object();
}

void write_left_room(proto::JsonWriter& writer, const SyncRoom& room, const EventViewer& viewer) {
    writer.begin_object();
    write_timeline_and_state(writer, room, viewer);
    writer.end_object();
}

}  // namespace weft::handlers
