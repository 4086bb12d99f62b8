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

bool RoomMembership::may_have_changed(const std::string& user_id, std::int64_t from) const {
    // Before the first row nothing has changed since the process started.
    if (!started_) return from < stream_.current();
    return changes_.has_changed(user_id, from);
}

Task<SyncRooms> RoomMembership::initial(storage::UserRoomsPtr rooms, std::int64_t now, bool include_leave) {
    SyncRooms out;
    for (const auto& [room_id, room] : *rooms) {
        if (room.membership == "join") {
            out.joined.push_back({room_id, true, false});
        } else if (room.membership == "invite") {
            out.invited.push_back({room_id, room.event_id});
        } else if (room.membership == "knock") {
            out.knocked.push_back({room_id, room.event_id});
        } else if (include_leave && !room.forgotten) {
            out.left.push_back({room_id, room.event_id, std::min(room.stream_ordering, now), 0});
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

Task<SyncRooms> RoomMembership::since(std::string user_id, storage::UserRoomsPtr rooms, std::int64_t from, std::int64_t now,
                                      bool include_leave) {
    SyncRooms out;
    std::map<proto::RoomId, std::vector<storage::EventsStore::MembershipChange>> changed;
    if (may_have_changed(user_id, from)) {
        for (auto& change : co_await events_.membership_changes(user_id, from, now)) changed[change.room_id].push_back(std::move(change));
    }
    for (const auto& [room_id, room] : *rooms) {
        // A membership event newer than `now` belongs to the next answer; until then each event's visibility decides.
        if (room.membership == "join" && !changed.contains(room_id)) out.joined.push_back({room_id, false, room.stream_ordering <= now});
    }
    for (const auto& [room_id, changes] : changed) {
        const auto& last = changes.back();
        const bool was_joined = co_await membership_before(changes.front().event_id, user_id) == "join";
        const bool always_joined =
            was_joined && std::all_of(changes.begin(), changes.end(), [](const auto& change) { return change.membership == "join"; });
        if (last.membership == "join") {
            out.joined.push_back({room_id, !always_joined, always_joined});
        } else if (last.membership == "invite") {
            out.invited.push_back({room_id, last.event_id});
        } else if (last.membership == "knock") {
            out.knocked.push_back({room_id, last.event_id});
        } else {
            const auto room = rooms->find(room_id);
            if (room != rooms->end() && room->second.forgotten) continue;
            // Leaving again what was left already, or being banned after leaving, is no news unless left rooms are asked for.
            if (!was_joined && changes.size() == 1 && last.sender != user_id && !include_leave) {
                const auto before = co_await membership_before(last.event_id, user_id);
                if (before == "leave" && last.membership == "leave") continue;
            }
            const bool joined_between =
                std::any_of(changes.begin(), changes.end(), [](const auto& change) { return change.membership == "join"; });
            out.left.push_back({room_id, last.event_id, last.stream_ordering, was_joined || !joined_between ? from : 0});
        }
    }
    co_return out;
}

}  // namespace weft::handlers
