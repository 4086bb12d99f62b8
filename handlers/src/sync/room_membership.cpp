#include "sync/room_membership.hpp"

#include "weft/proto/event_types.hpp"
#include "weft/proto/replication/rows.hpp"

namespace weft::handlers {

RoomMembership::RoomMembership(storage::EventsStore& events, storage::StateStore& states, storage::StreamState& stream)
    : events_{events}, states_{states}, stream_{stream}, changes_{0} {
    stream.on_invalidate([this](std::int64_t token, const storage::StreamRows& rows) {
        if (!started_) {
            changes_.reset(stream_.current());
            started_ = true;
        }
        for (const auto& json : rows) {
            const auto row = proto::replication::parse_events_row(json);
            const auto* event = row ? std::get_if<proto::replication::EventsEventRow>(&*row) : nullptr;
            if (event && event->type == proto::event_type::kMember && event->state_key) changes_.entity_changed(*event->state_key, token);
        }
    });
}

bool RoomMembership::may_have_changed(const std::string& user_id, const storage::WriterPositions& from) const {
    // Before the first row nothing has changed since the process started.
    if (!started_) return from.min() < stream_.current();
    return changes_.has_changed(user_id, from.min());
}

Task<SyncRooms> RoomMembership::initial(std::string user_id, storage::UserRoomsPtr rooms, storage::WriterPositions now, bool include_leave) {
    SyncRooms out;
    for (const auto& [room_id, room] : *rooms) {
        if (room.membership == "join") {
            out.joined.push_back({room_id, true, false});
        } else if (room.membership == "invite") {
            out.invited.push_back({room_id, room.event_id});
        } else if (room.membership == "knock") {
            out.knocked.push_back({room_id, room.event_id});
        } else if (include_leave && !room.forgotten) {
            const bool was_joined = co_await membership_before(room.event_id, user_id) == "join";
            out.left.push_back({room_id, room.event_id, now.capped(room.stream_ordering), 0, was_joined});
        }
    }
    co_return out;
}

Task<std::string> RoomMembership::membership_before(proto::EventId member_event, std::string user_id) {
    const auto event = co_await events_.get_event(member_event);
    if (!event) co_return "leave";
    if (const auto* before = proto::get_object(event->unsigned_data(), "prev_content")) {
        co_return std::string{proto::get_string(*before, "membership").value_or("leave")};
    }
    const auto state = co_await states_.state_before(member_event);
    if (!state) co_return "leave";
    const auto found = state->find({std::string{proto::event_type::kMember}, user_id});
    if (found == state->end()) co_return "leave";
    const auto previous = co_await events_.get_event(found->second);
    co_return previous ? std::string{previous->membership().value_or("leave")} : "leave";
}

Task<RoomMembership::ChangesOfUser> RoomMembership::changes_of(std::string user_id, storage::UserRoomsPtr rooms,
                                                               storage::WriterPositions from, storage::WriterPositions now) {
    ChangesOfUser out;
    const bool later = std::any_of(rooms->begin(), rooms->end(), [&now](const auto& entry) {
        return !now.covers(entry.second.writer, entry.second.stream_ordering);
    });
    if (!later && !may_have_changed(user_id, from)) co_return out;
    for (auto& change : co_await events_.membership_changes(user_id, from)) {
        auto& side = now.covers(change.writer, change.stream_ordering) ? out.until_now : out.later;
        const auto room_id = change.room_id;
        side[room_id].push_back(std::move(change));
    }
    co_return out;
}

Task<SyncRooms> RoomMembership::since(std::string user_id, storage::UserRoomsPtr rooms, storage::WriterPositions from,
                                      storage::WriterPositions now) {
    SyncRooms out;
    const auto changed = co_await changes_of(user_id, rooms, from, now);
    for (const auto& [room_id, room] : *rooms) {
        if (changed.until_now.contains(room_id)) continue;
        const auto later = changed.later.find(room_id);
        // What is newer than `now` belongs to the next answer: in this one the room is what it was before.
        const bool joined = later == changed.later.end()
                                ? room.membership == "join"
                                : co_await membership_before(later->second.front().event_id, user_id) == "join";
        if (joined) out.joined.push_back({room_id, false, true});
    }
    for (const auto& [room_id, changes] : changed.until_now) co_await add_changed(out, user_id, rooms, changes, from);
    co_return out;
}

Task<void> RoomMembership::add_changed(SyncRooms& out, std::string user_id, storage::UserRoomsPtr rooms, const Changes& changes,
                                       storage::WriterPositions from) {
    const auto& last = changes.back();
    const auto& room_id = last.room_id;
    const auto before = co_await membership_before(changes.front().event_id, user_id);
    const auto is_join = [](const auto& change) { return change.membership == "join"; };
    const bool joined_between = std::any_of(changes.begin(), changes.end(), is_join);
    if (last.membership == "join") {
        const bool throughout = before == "join" && std::all_of(changes.begin(), changes.end(), is_join);
        out.joined.push_back({room_id, !throughout, throughout});
    } else if (last.membership == "invite") {
        out.invited.push_back({room_id, last.event_id});
    } else if (last.membership == "knock") {
        out.knocked.push_back({room_id, last.event_id});
    } else {
        // To be removed from a room that one has left is no news.
        if (before == "leave" && changes.size() == 1 && last.membership == "leave") co_return;
        // A forgotten room is gone for the user's other devices as well: they have to hear that, but no more.
        const auto room = rooms->find(room_id);
        const bool forgotten = room != rooms->end() && room->second.forgotten;
        const bool was_joined = before == "join";
        out.left.push_back({room_id, last.event_id, last.stream_ordering, was_joined || !joined_between ? from : storage::WriterPositions{},
                            (was_joined || joined_between) && !forgotten});
    }
}

}  // namespace weft::handlers
