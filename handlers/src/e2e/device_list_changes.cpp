#include "weft/handlers/e2e/device_list_changes.hpp"

#include "sync/room_membership.hpp"
#include "weft/proto/event_types.hpp"

namespace weft::handlers {

DeviceListChanges::DeviceListChanges(storage::DeviceStore& devices,
                                     storage::UserSignatureStore& user_signatures,
                                     storage::EventsStore& events, storage::StateStore& states,
                                     storage::StreamState& events_stream)
    : devices_{devices},
      user_signatures_{user_signatures},
      events_{events},
      states_{states},
      events_stream_{events_stream},
      membership_{std::make_unique<RoomMembership>(events, states, events_stream)} {}

DeviceListChanges::~DeviceListChanges() = default;

Task<DeviceListChanges::Changes> DeviceListChanges::since(std::string user_id, SyncToken from) {
    Changes out;
    const auto upto = devices_.stream().shared_current();
    auto people = co_await people_since(user_id, from.room);
    for (const auto& other : people.parted) {
        if (other != user_id && !co_await states_.share_room(user_id, other)) out.left.insert(other);
    }
    for (const auto& other : people.met) {
        if (other != user_id && !out.left.contains(other)) out.changed.insert(other);
    }
    auto candidates = co_await states_.users_sharing_rooms(user_id);
    candidates.push_back(user_id);
    for (auto& other : co_await devices_.users_changed(std::move(candidates), from.device_lists, upto)) {
        out.changed.insert(std::move(other));
    }
    for (auto& other : co_await user_signatures_.signed_by(user_id, from.device_lists, upto)) {
        out.changed.insert(std::move(other));
    }
    co_return out;
}

Task<DeviceListChanges::People> DeviceListChanges::people_since(std::string user_id, storage::WriterPositions from) {
    People people;
    const auto now = events_stream_.writer_positions();
    if (from.merged(now) == from) co_return people;
    const auto rooms =
        co_await membership_->since(user_id, co_await states_.rooms_of_user(user_id), from, now);
    for (const auto& room : rooms.joined) {
        const bool quiet = !room.newly && !events_stream_.changes().has_changed(room.room_id.str(), from.min());
        if (!quiet) co_await add_of_room(room.room_id, room.newly, from, now, people);
    }
    for (const auto& room : rooms.left) {
        if (room.was_joined) co_await add_left_behind(room.event_id, people);
    }
    co_return people;
}

Task<void> DeviceListChanges::add_of_room(proto::RoomId room_id, bool newly_joined, storage::WriterPositions from,
                                          storage::WriterPositions now, People& people) {
    const auto state = co_await states_.current_state(room_id);
    if (newly_joined) {
        for (const auto& [user_id, member] : state->members) {
            if (member.membership == "join") people.met.insert(user_id);
        }
        co_return;
    }
    for (const auto& key : co_await states_.changed_keys(room_id, from, now)) {
        if (key.type() != proto::event_type::kMember) continue;
        (state->membership(key.state_key()) == "join" ? people.met : people.parted).insert(key.state_key());
    }
}

Task<void> DeviceListChanges::add_left_behind(proto::EventId leave, People& people) {
    const auto state = co_await states_.state_after(leave);
    if (!state) co_return;
    std::vector<proto::EventId> members;
    for (const auto& [key, id] : *state) {
        if (key.type() == proto::event_type::kMember) members.push_back(id);
    }
    for (const auto& member : co_await events_.get_events(std::move(members))) {
        if (member->membership() == "join") people.parted.insert(*member->state_key());
    }
}

}  // namespace weft::handlers
