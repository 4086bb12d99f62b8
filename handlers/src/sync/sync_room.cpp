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

void write_counts(proto::JsonWriter& writer, std::string_view name, const storage::UnreadCounts& counts) {
    writer.key(name)
        .begin_object()
        .member("notification_count", counts.notifications)
        .member("highlight_count", counts.highlights)
        .end_object();
}

/// Client-server API, "Receiving notifications": a client that counts threads is told of the main timeline apart from them.
void write_unread(proto::JsonWriter& writer, const storage::UnreadByThread& unread, bool by_thread) {
    if (!by_thread) {
        write_counts(writer, "unread_notifications", unread.total);
        return;
    }
    const auto main = unread.threads.find(storage::kMainThread);
    write_counts(writer, "unread_notifications", main == unread.threads.end() ? storage::UnreadCounts{} : main->second);
    writer.key("unread_thread_notifications").begin_object();
    for (const auto& [thread, counts] : unread.threads) {
        if (thread != storage::kMainThread) write_counts(writer, thread, counts);
    }
    writer.end_object();
}

void write_timeline_and_state(proto::JsonWriter& writer, const SyncRoom& room, const EventViewer& viewer) {
    writer.key("timeline").begin_object().key("events");
    append_events(writer.begin_raw_value(), room.timeline.events, viewer);
    writer.member("limited", room.timeline.limited).member("prev_batch", room.timeline.prev_batch).end_object();
    write_events_section(writer, room.state_is_after ? "state_after" : "state", room.state, viewer);
    write_section(writer, "account_data", room.account_data);
}

}  // namespace

std::vector<std::string> room_heroes(const storage::RoomState& state, const std::string& user_id) {
    std::vector<std::string> present;
    std::vector<std::string> gone;
    for (const auto& [member_id, member] : state.members) {
        if (member_id == user_id) continue;
        if (member.membership == "join" || member.membership == "invite") present.push_back(member_id);
        if (member.membership == "leave" || member.membership == "ban") gone.push_back(member_id);
    }
    auto& heroes = present.empty() ? gone : present;
    const auto count = std::min(heroes.size(), kHeroesMax);
    std::partial_sort(heroes.begin(), heroes.begin() + static_cast<std::ptrdiff_t>(count), heroes.end());
    heroes.resize(count);
    return heroes;
}

boost::json::object room_summary(const storage::RoomState& state, const std::string& user_id, bool has_name) {
    boost::json::object out{{"m.joined_member_count", state.joined}, {"m.invited_member_count", state.invited}};
    if (!has_name) {
        boost::json::array heroes;
        for (const auto& hero : room_heroes(state, user_id)) heroes.emplace_back(hero);
        out["m.heroes"] = std::move(heroes);
    }
    return out;
}

/// The state at the start of a timeline: the end's, with the timeline undone; from state groups where the room forked.
class RoomStateChooser::AtStart {
public:
    AtStart(storage::RoomStatePtr end, StateChanges undone) : end_{std::move(end)}, undone_{std::move(undone)} {}
    explicit AtStart(storage::StateMapPtr whole) : whole_{std::move(whole)} {}

    const proto::EventId* find(const proto::StateKey& key) const {
        if (whole_) return lookup(*whole_, key);
        if (const auto change = undone_.find(key); change != undone_.end()) return change->second ? &*change->second : nullptr;
        return lookup(end_->events, key);
    }
    /// All keys it has, perhaps more.
    std::unordered_set<proto::StateKey> keys() const {
        std::unordered_set<proto::StateKey> out;
        for (const auto& [key, id] : whole_ ? *whole_ : end_->events) out.insert(key);
        for (const auto& [key, id] : undone_) out.insert(key);
        return out;
    }

private:
    static const proto::EventId* lookup(const proto::StateMap& state, const proto::StateKey& key) {
        const auto found = state.find(key);
        return found == state.end() ? nullptr : &found->second;
    }

    storage::RoomStatePtr end_;
    StateChanges undone_;
    storage::StateMapPtr whole_;
};

Task<RoomStateChooser::AtStart> RoomStateChooser::at_start(const RoomTimeline& timeline, storage::RoomStatePtr end) {
    if (auto undone = undo_window(timeline)) co_return AtStart{std::move(end), std::move(*undone)};
    auto whole = co_await states_.state_before(timeline.window.front()->event->event_id());
    if (!whole) co_return AtStart{std::move(end), {}};
    co_return AtStart{std::move(whole)};
}

Task<std::vector<proto::EventId>> RoomStateChooser::choose(Wanted wanted, proto::RoomId room_id, const RoomTimeline& timeline,
                                                           storage::RoomStatePtr end) {
    const auto& filter = wanted.filter->room.state;
    if (filter.admits_nothing()) co_return std::vector<proto::EventId>{};
    const auto start = wanted.after ? AtStart{end, {}} : co_await at_start(timeline, end);
    Choice choice{timeline, wanted.after, {}, {}};
    if (wanted.full) {
        choose_all(wanted, start, *end, choice);
    } else if (wanted.after) {
        co_await choose_changed_after(wanted, room_id, *end, choice);
    } else if (timeline.limited || timeline.hides_state) {
        co_await choose_changed(wanted, room_id, start, *end, choice);
    }
    if (wanted.filter->lazy_load_members() && filter.matches_type(proto::event_type::kMember)) {
        choose_members(wanted, room_id, start, *end, choice);
    }
    co_return std::move(choice.ids);
}

void RoomStateChooser::Choice::add(const proto::EventId& id) {
    if ((after || !timeline.shows(id)) && chosen.insert(id).second) ids.push_back(id);
}

void RoomStateChooser::choose_all(const Wanted& wanted, const AtStart& start, const storage::RoomState& end, Choice& choice) {
    const bool lazy = wanted.filter->lazy_load_members();
    const auto skip = [&](const proto::StateKey& key) {
        return !wanted.filter->room.state.matches_type(key.type()) || (lazy && key.type() == proto::event_type::kMember);
    };
    for (const auto& key : start.keys()) {
        if (skip(key)) continue;
        if (const auto* id = start.find(key)) choice.add(*id);
    }
    // What the filter kept out of the timeline is part of the state all the same.
    for (const auto& stored : choice.timeline.window) {
        const auto& event = *stored->event;
        if (!event.is_state() || skip(event.key())) continue;
        if (const auto found = end.events.find(event.key()); found != end.events.end()) choice.add(found->second);
    }
}

/// What changed between the client's token and the start of the timeline, and what the timeline hides. Members are among it
/// whether they are loaded lazily or not: the client may know what they were.
Task<void> RoomStateChooser::choose_changed(const Wanted& wanted, proto::RoomId room_id, const AtStart& start, const storage::RoomState& end,
                                            Choice& choice) {
    std::vector<proto::EventId> candidates;
    for (const auto& key : co_await states_.changed_keys(room_id, wanted.since, wanted.now)) {
        if (!wanted.filter->room.state.matches_type(key.type())) continue;
        if (const auto* id = start.find(key)) candidates.push_back(*id);
        if (!choice.timeline.hides_state) continue;
        if (const auto found = end.events.find(key); found != end.events.end()) candidates.push_back(found->second);
    }
    for (const auto& event : co_await events_.get_events(std::move(candidates))) {
        if (!wanted.since.covers(storage::writer_of(*event), event->stream_ordering())) choice.add(event->event_id());
    }
}

/// All that changed since the client's token. Where the timeline is the whole of what happened, in a chain, that is what its
/// state events changed; else the table of changes knows.
Task<void> RoomStateChooser::choose_changed_after(const Wanted& wanted, proto::RoomId room_id, const storage::RoomState& end,
                                                  Choice& choice) {
    const auto& timeline = choice.timeline;
    std::vector<proto::StateKey> keys;
    if (timeline.limited || timeline.hides_state || !undo_window(timeline)) {
        keys = co_await states_.changed_keys(room_id, wanted.since, wanted.now);
    } else {
        for (const auto& stored : timeline.window) {
            if (stored->event->is_state()) keys.push_back(stored->event->key());
        }
    }
    for (const auto& key : keys) {
        if (!wanted.filter->room.state.matches_type(key.type())) continue;
        if (const auto found = end.events.find(key); found != end.events.end()) choice.add(found->second);
    }
}

/// The members whom the timeline and the room's name show, unless the device has them.
void RoomStateChooser::choose_members(const Wanted& wanted, const proto::RoomId& room_id, const AtStart& start, const storage::RoomState& end,
                                      Choice& choice) {
    std::set<std::string> members;
    for (const auto& stored : choice.timeline.events) members.insert(stored->event->sender().str());
    if (wanted.full) members.insert(wanted.user_id);
    if (wanted.summary) {
        for (auto& hero : room_heroes(end, wanted.user_id)) members.insert(std::move(hero));
    }
    const auto take = [&](const std::string& user_id, const proto::EventId& id) {
        return lazy_.take(wanted.exchange, room_id.str() + '\x1f' + user_id, id.str());
    };
    for (const auto& user_id : members) {
        const auto* id = start.find({std::string{proto::event_type::kMember}, user_id});
        if (!id || (!wanted.after && choice.timeline.shows(*id))) continue;
        const bool fresh = take(user_id, *id);
        if (fresh || wanted.filter->room.state.include_redundant_members || wanted.full) choice.add(*id);
    }
    // Those in the timeline come last: they are what the device has then.
    for (const auto& stored : choice.timeline.events) {
        if (stored->event->is_state() && stored->event->type() == proto::event_type::kMember) {
            take(*stored->event->state_key(), stored->event->event_id());
        }
    }
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
    if (room.unread) write_unread(writer, *room.unread, room.unread_by_thread);
    writer.end_object();
}

void write_left_room(proto::JsonWriter& writer, const SyncRoom& room, const EventViewer& viewer) {
    writer.begin_object();
    write_timeline_and_state(writer, room, viewer);
    writer.end_object();
}

}  // namespace weft::handlers
