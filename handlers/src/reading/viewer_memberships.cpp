#include "weft/handlers/reading/viewer_memberships.hpp"

#include <algorithm>
#include <limits>
#include <optional>

namespace weft::handlers {
namespace {

constexpr std::string_view kNever = "leave";
constexpr auto kAlways = std::numeric_limits<std::int64_t>::min();
/// Somebody who came and went more often is not followed further back.
constexpr int kChangesMax = 50;

}  // namespace

std::string_view ViewerMemberships::at(const proto::Event& event) const {
    const auto room = rooms.find(event.room_id());
    if (room == rooms.end()) return {};
    for (const auto& stay : room->second) {
        if (event.stream_ordering() >= stay.since) return stay.membership;
    }
    return {};
}

Task<std::shared_ptr<const ViewerMemberships>> viewer_memberships(storage::StateStore& states, storage::EventsStore& events,
                                                                  std::string user_id,
                                                                  const std::vector<storage::StoredEventPtr>& shown) {
    auto out = std::make_shared<ViewerMemberships>();
    const auto of_user = co_await states.rooms_of_user(user_id);
    // The oldest event of each room that is shown, and the membership event to be looked at next.
    struct Place {
        std::int64_t oldest;
        std::optional<proto::EventId> next;
    };
    std::unordered_map<proto::RoomId, Place> places;
    for (const auto& stored : shown) {
        const auto& event = *stored->event;
        const auto known = places.find(event.room_id());
        if (known != places.end()) {
            known->second.oldest = std::min(known->second.oldest, event.stream_ordering());
            continue;
        }
        Place place{event.stream_ordering(), std::nullopt};
        auto& stays = out->rooms[event.room_id()];
        if (const auto room = of_user->find(event.room_id()); room != of_user->end()) {
            stays.push_back({room->second.membership, room->second.stream_ordering});
            place.next = room->second.event_id;
        } else {
            stays.push_back({std::string{kNever}, kAlways});
        }
        places.emplace(event.room_id(), std::move(place));
    }
    for (int changes = 0; changes < kChangesMax; ++changes) {
        std::vector<proto::EventId> ids;
        for (auto& [room_id, place] : places) {
            if (place.next && out->rooms[room_id].back().since > place.oldest) ids.push_back(*place.next);
            place.next.reset();
        }
        if (ids.empty()) break;
        // Each names the one before, if there was one.
        std::vector<proto::EventId> earlier;
        for (const auto& member : co_await events.get_events(std::move(ids))) {
            const auto replaced = proto::get_string(member->unsigned_data(), "replaces_state");
            if (replaced) {
                earlier.push_back(proto::EventId::trusted(std::string{*replaced}));
            } else {
                out->rooms[member->room_id()].push_back({std::string{kNever}, kAlways});
            }
        }
        for (const auto& member : co_await events.get_events(std::move(earlier))) {
            out->rooms[member->room_id()].push_back(
                {std::string{member->membership().value_or(kNever)}, member->stream_ordering()});
            places.at(member->room_id()).next = member->event_id();
        }
    }
    co_return out;
}

}  // namespace weft::handlers
