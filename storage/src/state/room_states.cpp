#include "state/room_states.hpp"

#include "weft/proto/event_types.hpp"

namespace weft::storage {

const proto::EventId* RoomState::find(std::string_view type, std::string_view state_key) const {
    const auto found = events.find(proto::StateKey{type, state_key});
    return found == events.end() ? nullptr : &found->second;
}

std::string_view RoomState::membership(const std::string& user_id) const {
    const auto found = members.find(user_id);
    return found == members.end() ? std::string_view{"leave"} : std::string_view{found->second.membership};
}

void RoomState::set(const proto::StateKey& key, std::optional<proto::EventId> event_id, std::string_view membership) {
    if (key.type() == proto::event_type::kMember) {
        if (const auto old = members.find(key.state_key()); old != members.end()) {
            joined -= old->second.membership == "join" ? 1 : 0;
            invited -= old->second.membership == "invite" ? 1 : 0;
            members.erase(old);
        }
        if (event_id) {
            members.emplace(key.state_key(), RoomMember{std::string{membership}, *event_id});
            joined += membership == "join" ? 1 : 0;
            invited += membership == "invite" ? 1 : 0;
        }
    }
    if (event_id) {
        events.insert_or_assign(key, *event_id);
    } else {
        events.erase(key);
    }
}

RoomStates::RoomStates(std::size_t rooms_max, std::size_t events_max, asio::any_io_executor executor)
    : rooms_max_{rooms_max},
      events_max_{events_max},
      executor_{std::move(executor)},
      rooms_gauge_{core::gauge("weft_room_states", "Rooms whose current state is in memory")} {}

RoomStatePtr RoomStates::find(const proto::RoomId& room_id) {
    const auto found = rooms_.find(room_id);
    if (found == rooms_.end()) return nullptr;
    order_.splice(order_.begin(), order_, found->second.place);
    return found->second.state;
}

RoomStates::LoadPtr RoomStates::loading(const proto::RoomId& room_id) const {
    const auto found = loading_.find(room_id);
    return found == loading_.end() ? nullptr : found->second;
}

void RoomStates::begin_load(const proto::RoomId& room_id) {
    loading_.emplace(room_id, std::make_shared<Load>(executor_));
}

RoomStatePtr RoomStates::finish_load(const proto::RoomId& room_id, std::shared_ptr<RoomState> state) {
    const auto found = loading_.find(room_id);
    if (found == loading_.end()) return nullptr;
    const auto load = std::move(found->second);
    loading_.erase(found);
    load->done = true;
    load->finished.notify_all();
    if (!state || load->outdated) return nullptr;
    for (const auto& delta : load->deltas) state->set(delta.key, delta.event_id, delta.membership);
    order_.push_front(room_id);
    events_ += state->events.size();
    rooms_.emplace(room_id, Entry{state, order_.begin()});
    evict();
    return state;
}

void RoomStates::change(const proto::RoomId& room_id, const StateDelta& delta) {
    if (const auto load = loading(room_id)) load->deltas.push_back(delta);
    const auto found = rooms_.find(room_id);
    if (found == rooms_.end()) return;
    auto& state = found->second.state;
    if (state.use_count() > 1) state = std::make_shared<RoomState>(*state);  // somebody still reads the old one
    events_ -= state->events.size();
    state->set(delta.key, delta.event_id, delta.membership);
    events_ += state->events.size();
}

void RoomStates::drop(const proto::RoomId& room_id) {
    // What is being read may be from before the change that nobody can tell.
    if (const auto load = loading(room_id)) load->outdated = true;
    erase(room_id);
}

void RoomStates::erase(const proto::RoomId& room_id) {
    const auto found = rooms_.find(room_id);
    if (found == rooms_.end()) return;
    events_ -= found->second.state->events.size();
    order_.erase(found->second.place);
    rooms_.erase(found);
}

void RoomStates::evict() {
    while (rooms_.size() > rooms_max_ || (events_ > events_max_ && rooms_.size() > 1)) erase(proto::RoomId{order_.back()});
    rooms_gauge_.set(static_cast<double>(rooms_.size()));
}

}  // namespace weft::storage
