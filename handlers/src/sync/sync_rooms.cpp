// The rooms of a sync: what is new in those the user is in, was in, or is asked into.
#include "sync/sync_impl.hpp"
#include "weft/proto/client_event.hpp"
#include "weft/proto/event_types.hpp"
#include "weft/proto/json.hpp"
#include "weft/handlers/user_data/invite_permission.hpp"

namespace weft::handlers {
namespace {

namespace json = boost::json;

bool is_member_event(const storage::StoredEventPtr& stored) {
    return stored->event->is_state() && stored->event->type() == proto::event_type::kMember;
}

/// Whether what a room's summary says may have changed.
bool members_changed(const RoomTimeline& timeline) {
    return timeline.limited || timeline.hides_state || std::any_of(timeline.events.begin(), timeline.events.end(), is_member_event);
}

}  // namespace

/// Joined rooms in which something may have happened since the token; the rest needs no look.
bool Sync::Impl::may_have_news(const SyncRequest& request, const SyncRooms::Joined& room, const UserData& user) const {
    if (!request.since || request.full_state || room.newly) return true;
    const auto& id = room.room_id.str();
    return sources.events_stream.changes().has_changed(id, request.since->room.min()) ||
           sources.typing_stream.changes().has_changed(id, request.since->typing) ||
           sources.receipts.stream().changes().has_changed(id, request.since->receipts) || user.names(id);
}

Task<Sync::Impl::Chosen> Sync::Impl::choose_rooms(const SyncRequest& request, const SyncAnswer& answer) {
    const auto& filter = *request.filter;
    Chosen out;
    out.user = co_await user_data(request, answer.next);
    out.rooms = request.since ? co_await membership.since(request.user_id, answer.rooms, request.since->room, answer.next.room)
                              : co_await membership.initial(request.user_id, answer.rooms, answer.next.room, filter.room.include_leave);
    std::erase_if(out.rooms.joined, [&](const SyncRooms::Joined& room) {
        return !filter.matches_room(room.room_id.str()) || !may_have_news(request, room, out.user);
    });
    std::erase_if(out.rooms.left, [&](const SyncRooms::Left& room) { return !filter.matches_room(room.room_id.str()); });
    if (!out.rooms.invited.empty() && co_await blocks_invites(sources.account_data, request.user_id)) out.rooms.invited.clear();
    co_await complete_user_data(request, out.rooms.joined, out.user);
    out.ignored = co_await ignored_users(sources.account_data, request.user_id);
    co_return out;
}

Task<void> Sync::Impl::collect_rooms(const SyncRequest& request, const Chosen& chosen, SyncAnswer& answer) {
    co_await collect_joined(request, chosen.rooms.joined, chosen.ignored, chosen.user, answer);
    co_await collect_left(request, chosen.rooms.left, chosen.ignored, chosen.user, answer);
    co_await collect_pending(request, chosen, answer);
}

Task<void> Sync::Impl::collect_pending(const SyncRequest& request, const Chosen& chosen, SyncAnswer& answer) {
    const auto& filter = *request.filter;
    answer.invited = co_await pending_rooms(chosen.rooms.invited, "invite_room_state", chosen.ignored, filter);
    answer.knocked = co_await pending_rooms(chosen.rooms.knocked, "knock_room_state", {}, filter);
}

Task<Sync::Impl::PendingRooms> Sync::Impl::pending_rooms(const std::vector<SyncRooms::Pending>& pending, std::string_view state_key,
                                                         const Ignored& ignored, const proto::FilterDefinition& filter) {
    PendingRooms out;
    for (const auto& room : pending) {
        if (!filter.matches_room(room.room_id.str())) continue;
        const auto event = co_await sources.events.get_event(room.event_id);
        if (!event || ignored.contains(event->sender().str())) continue;
        json::array events;
        if (const auto* state = proto::get_array(event->unsigned_data(), state_key)) events = *state;
        events.push_back(proto::stripped_state(*event));
        out.emplace_back(room.room_id, proto::to_json(json::value(std::move(events))));
    }
    co_return out;
}

/// In a room that is new to the client, all of the user's data is news.
Task<void> Sync::Impl::complete_user_data(const SyncRequest& request, const std::vector<SyncRooms::Joined>& joined, UserData& user) {
    if (!request.since || request.full_state) co_return;  // it is all there
    for (const auto& room : joined) {
        if (!room.newly) continue;
        const auto& id = room.room_id.str();
        const auto data = co_await sources.account_data.room(request.user_id, id);
        if (!data->empty()) user.data.rooms.insert_or_assign(id, *data);
        const auto tags = co_await sources.account_data.tags(request.user_id);
        if (const auto found = tags->find(id); found != tags->end()) user.tags.insert_or_assign(id, found->second);
    }
}

Task<std::unordered_map<proto::RoomId, RoomTimeline>> Sync::Impl::joined_timelines(const SyncRequest& request,
                                                                                   const std::vector<SyncRooms::Joined>& joined,
                                                                                   const Ignored& ignored, const SyncToken& next) {
    std::vector<TimelineWanted> wanted;
    for (const auto& room : joined) {
        const bool from_start = !request.since || room.newly;
        const auto since = from_start ? storage::WriterPositions{} : request.since->room;
        // Nothing new in the room itself: only receipts, typing or account data brought it here.
        if (!from_start && !sources.events_stream.changes().has_changed(room.room_id.str(), since.min())) continue;
        wanted.push_back({room.room_id, since, next.room, !room.joined_throughout});
    }
    auto out = co_await timelines.load(std::move(wanted), request.user_id, request.filter->room.timeline, ignored);
    const auto end = storage::RoomToken{std::nullopt, next.room}.to_string();
    for (const auto& room : joined) {
        auto& timeline = out[room.room_id];
        if (timeline.prev_batch.empty()) timeline.prev_batch = end;
        // Whatever the client has of a room that it is back in does not lead up to this timeline.
        if (request.since && room.newly) timeline.limited = true;
    }
    co_return out;
}

Task<void> Sync::Impl::collect_joined(const SyncRequest& request, const std::vector<SyncRooms::Joined>& joined, const Ignored& ignored,
                                      const UserData& user, SyncAnswer& answer) {
    const auto exchange = lazy_exchange(request, answer.next);
    if (joined.empty()) co_return;
    const auto& filter = *request.filter;
    std::vector<proto::RoomId> ids;
    for (const auto& room : joined) ids.push_back(room.room_id);
    const auto states = co_await sources.states.current_states(std::move(ids));
    auto loaded = co_await joined_timelines(request, joined, ignored, answer.next);
    const auto ephemeral = co_await collect_ephemeral(request, joined, answer.next);

    std::vector<std::vector<proto::EventId>> chosen;
    std::vector<proto::EventId> all_state;
    for (const auto& room : joined) {
        const auto& timeline = loaded.at(room.room_id);
        const bool full = !request.since || request.full_state || room.newly;
        RoomStateChooser::Wanted wanted{&filter,
                                        request.user_id,
                                        exchange,
                                        full,
                                        full || members_changed(timeline),
                                        request.use_state_after,
                                        request.since ? request.since->room : storage::WriterPositions{},
                                        answer.next.room};
        auto choice = co_await chooser.choose(std::move(wanted), room.room_id, timeline, states.at(room.room_id));
        all_state.insert(all_state.end(), choice.begin(), choice.end());
        chosen.push_back(std::move(choice));
    }
    EventsById by_id;
    for (auto& stored : co_await sources.events.get_stored(std::move(all_state))) by_id.emplace(stored->event->event_id(), stored);

    for (std::size_t i = 0; i < joined.size(); ++i) {
        SyncRoom room{joined[i].room_id, std::move(loaded.at(joined[i].room_id)), {}, request.use_state_after, {}, {}, std::nullopt, false, std::nullopt};
        const auto& id = room.room_id.str();
        const auto& state = states.at(room.room_id);
        const bool from_start = !request.since || request.full_state || joined[i].newly;
        add_state(room, chosen[i], by_id, filter.room.state);
        add_user_data(room, user, filter.room.account_data);
        if (const auto found = ephemeral.find(id); found != ephemeral.end()) room.ephemeral = found->second;
        if (from_start || members_changed(room.timeline)) room.summary = co_await summary(state, request.user_id);
        if (room.empty() && !from_start) continue;
        room.unread = co_await sources.push_action_counts.unread_by_thread(id, request.user_id);
        room.unread_by_thread = filter.room.timeline.unread_thread_notifications;
        note_people(request, room, joined[i].newly, *state, answer);
        answer.joined.push_back(std::move(room));
    }
}

void Sync::Impl::add_state(SyncRoom& room, const std::vector<proto::EventId>& chosen, const EventsById& events,
                           const proto::EventFilter& filter) {
    for (const auto& id : chosen) {
        const auto found = events.find(id);
        if (found != events.end() && filter.matches(*found->second->event)) room.state.push_back(found->second);
    }
}

void Sync::Impl::add_user_data(SyncRoom& room, const UserData& user, const proto::EventFilter& filter) {
    const auto& id = room.room_id.str();
    if (const auto tags = user.tags.find(id); tags != user.tags.end() && filter.matches("m.tag")) {
        room.account_data.push_back(typed_event("m.tag", tag_content(tags->second)));
    }
    const auto data = user.data.rooms.find(id);
    if (data == user.data.rooms.end()) return;
    for (const auto& [type, content] : data->second) {
        if (filter.matches(type)) room.account_data.push_back(typed_event(type, content));
    }
}

Task<json::object> Sync::Impl::summary(storage::RoomStatePtr state, std::string user_id) {
    // A name that is there but empty is none (client-server API, "Calculating the display name for a room").
    bool has_name = false;
    for (const auto& [type, key] : {std::pair{proto::event_type::kName, "name"}, std::pair{proto::event_type::kCanonicalAlias, "alias"}}) {
        const auto* const id = state->find(type);
        const auto event = id ? co_await sources.events.get_event(*id) : nullptr;
        has_name = has_name || (event && !proto::get_string(event->content(), key).value_or("").empty());
    }
    co_return room_summary(*state, user_id, has_name);
}

/// People who came into or left a room the user is in: their devices are to be looked at, or perhaps not any more.
void Sync::Impl::note_people(const SyncRequest& request, const SyncRoom& room, bool newly_joined, const storage::RoomState& state,
                             SyncAnswer& answer) {
    if (!request.since) return;
    if (newly_joined) {
        for (const auto& [user_id, member] : state.members) {
            if (member.membership == "join" && user_id != request.user_id) answer.met.insert(user_id);
        }
        return;
    }
    const auto note = [&](const storage::StoredEventPtr& stored, bool is_step) {
        const auto& event = *stored->event;
        if (!is_member_event(stored) || *event.state_key() == request.user_id ||
            request.since->room.covers(storage::writer_of(event), event.stream_ordering())) {
            return;
        }
        const auto* before = proto::get_object(event.unsigned_data(), "prev_content");
        const auto old = before ? proto::get_string(*before, "membership").value_or("leave") : std::string_view{"leave"};
        const auto membership = event.membership().value_or("leave");
        if (membership == "join" && (old != "join" || !is_step)) answer.met.insert(*event.state_key());
        if (membership != "join" && (old == "join" || !is_step)) answer.parted.insert(*event.state_key());
    };
    for (const auto& stored : room.timeline.events) note(stored, true);
    // Before the timeline there may have been several steps, of which this is the last.
    for (const auto& stored : room.state) note(stored, false);
}

Task<std::unordered_map<std::string, std::vector<std::string>>> Sync::Impl::collect_ephemeral(const SyncRequest& request,
                                                                                              const std::vector<SyncRooms::Joined>& joined,
                                                                                              const SyncToken& next) {
    std::unordered_map<std::string, std::vector<std::string>> out;
    const auto& filter = request.filter->room.ephemeral;
    std::vector<std::string> all_receipts;
    std::vector<std::string> new_receipts;
    for (const auto& room : joined) {
        const auto& id = room.room_id.str();
        const bool from_start = !request.since || room.newly;
        const bool typing_changed = from_start ? !sources.typing.typing_in(id).empty()
                                               : sources.typing_stream.changes().has_changed(id, request.since->typing);
        if (typing_changed && filter.matches("m.typing")) {
            json::array users;
            for (const auto& user_id : sources.typing.typing_in(id)) users.emplace_back(user_id);
            out[id].push_back(typed_event("m.typing", proto::to_json(json::object{{"user_ids", std::move(users)}})));
        }
        if (!filter.matches("m.receipt")) continue;
        if (from_start) {
            all_receipts.push_back(id);
        } else if (sources.receipts.stream().changes().has_changed(id, request.since->receipts)) {
            new_receipts.push_back(id);
        }
    }
    std::unordered_map<std::string, storage::ReceiptList> receipts;
    if (!all_receipts.empty()) {
        const auto lists = co_await sources.receipts.of_rooms(all_receipts);
        for (std::size_t i = 0; i < all_receipts.size(); ++i) receipts[all_receipts[i]] = *lists[i];
    }
    if (!new_receipts.empty()) {
        for (auto& receipt : co_await sources.receipts.changed(new_receipts, request.since->receipts, next.receipts)) {
            receipts[receipt->room_id].push_back(receipt);
        }
    }
    for (const auto& [room_id, list] : receipts) {
        auto content = receipt_content(list, request.user_id);
        if (!content.empty()) out[room_id].push_back(typed_event("m.receipt", proto::to_json(content)));
    }
    co_return out;
}

Task<void> Sync::Impl::collect_left(const SyncRequest& request, const std::vector<SyncRooms::Left>& left, const Ignored& ignored,
                                    const UserData& user, SyncAnswer& answer) {
    const auto& filter = *request.filter;
    for (const auto& room : left) {
        SyncRoom out{room.room_id, {}, {}, request.use_state_after, {}, {}, std::nullopt, false, std::nullopt};
        std::vector<TimelineWanted> wanted{{room.room_id, room.shown_from, room.until, true}};
        auto loaded = co_await timelines.load(std::move(wanted), request.user_id, filter.room.timeline, ignored);
        out.timeline = std::move(loaded.at(room.room_id));
        // Somebody who was never in the room sees of it what the timeline may show, but not its state.
        const auto after = room.was_joined ? co_await sources.states.state_after(room.event_id) : nullptr;
        if (after) {
            auto end = std::make_shared<storage::RoomState>();
            for (const auto& [key, id] : *after) end->set(key, id, "leave");
            const bool full = !request.since || request.full_state || room.shown_from == 0;
            RoomStateChooser::Wanted state{&filter, request.user_id, lazy_exchange(request, answer.next), full, false, request.use_state_after,
                                           full ? storage::WriterPositions{} : request.since->room, room.until};
            const auto chosen = co_await chooser.choose(std::move(state), room.room_id, out.timeline, std::move(end));
            EventsById by_id;
            for (auto& stored : co_await sources.events.get_stored(chosen)) by_id.emplace(stored->event->event_id(), stored);
            add_state(out, chosen, by_id, filter.room.state);
            if (request.since) co_await note_people_left_behind(request, after, answer);
        }
        add_user_data(out, user, filter.room.account_data);
        answer.left.push_back(std::move(out));
    }
}

Task<void> Sync::Impl::note_people_left_behind(const SyncRequest& request, storage::StateMapPtr state, SyncAnswer& answer) {
    std::vector<proto::EventId> members;
    for (const auto& [key, id] : *state) {
        if (key.type() == proto::event_type::kMember && key.state_key() != request.user_id) members.push_back(id);
    }
    for (const auto& member : co_await sources.events.get_events(std::move(members))) {
        if (member->membership() == "join") answer.parted.insert(*member->state_key());
    }
}

}  // namespace weft::handlers
