#include "weft/handlers/reading/viewer_memberships.hpp"

#include "weft/proto/event_types.hpp"

namespace weft::handlers {
namespace {

constexpr std::string_view kNever = "leave";

}  // namespace

std::string_view ViewerMemberships::at(const proto::Event& event) const {
    if (const auto room = now.find(event.room_id()); room != now.end() && event.stream_ordering() >= room->second.since) {
        return room->second.membership;
    }
    const auto found = earlier.find(event.event_id());
    return found == earlier.end() ? std::string_view{} : std::string_view{found->second};
}

Task<std::shared_ptr<const ViewerMemberships>> viewer_memberships(storage::StateStore& states, storage::EventsStore& events,
                                                                  std::string user_id,
                                                                  const std::vector<storage::StoredEventPtr>& shown) {
    auto out = std::make_shared<ViewerMemberships>();
    const auto rooms = co_await states.rooms_of_user(user_id);
    std::vector<proto::EventId> older;
    for (const auto& stored : shown) {
        const auto& event = *stored->event;
        auto known = out->now.find(event.room_id());
        if (known == out->now.end()) {
            const auto room = rooms->find(event.room_id());
            ViewerMemberships::Now now{std::string{kNever}, 0};
            if (room != rooms->end()) now = {room->second.membership, room->second.stream_ordering};
            known = out->now.emplace(event.room_id(), std::move(now)).first;
        }
        if (event.stream_ordering() < known->second.since) older.push_back(event.event_id());
    }
    if (older.empty()) co_return out;

    std::vector<proto::StateKey> keys;
    keys.push_back({std::string{proto::event_type::kMember}, user_id});
    const auto member_events = co_await states.state_after_for_keys(older, std::move(keys));
    std::vector<proto::EventId> ids;
    for (const auto& [event_id, state] : member_events) {
        for (const auto& [key, member] : state) ids.push_back(member);
    }
    std::unordered_map<proto::EventId, std::string> membership_of;
    for (const auto& member : co_await events.get_events(std::move(ids))) {
        membership_of.emplace(member->event_id(), member->membership().value_or(kNever));
    }
    for (const auto& [event_id, state] : member_events) {
        const auto member = state.empty() ? membership_of.end() : membership_of.find(state.begin()->second);
        out->earlier.emplace(event_id, member == membership_of.end() ? std::string{kNever} : member->second);
    }
    co_return out;
}

}  // namespace weft::handlers
