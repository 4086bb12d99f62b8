#include "weft/handlers/reading/room_state_reader.hpp"

#include "reading/beginning.hpp"
#include "weft/core/errors.hpp"
#include "weft/proto/event_types.hpp"

namespace weft::handlers {
namespace {

using core::MatrixError;

std::vector<proto::EventId> members_in(const storage::RoomState& state, const MembersQuery& query) {
    std::vector<proto::EventId> ids;
    for (const auto& [member_id, member] : state.members) {
        if (query.wants(member.membership)) ids.push_back(member.event_id);
    }
    return ids;
}

std::vector<proto::EventId> members_in(const proto::StateMap& state) {
    std::vector<proto::EventId> ids;
    for (const auto& [key, id] : state) {
        if (key.type() == proto::event_type::kMember) ids.push_back(id);
    }
    return ids;
}

}  // namespace

bool MembersQuery::wants(std::string_view membership_of_member) const {
    if (!membership && !not_membership) return true;
    return (membership && membership_of_member == *membership) ||
           (not_membership && membership_of_member != *not_membership);
}

Task<storage::StateMapPtr> RoomStateReader::state_at_end_of(RoomStanding::FormerStay stay) {
    auto state = co_await states_.state_after(std::move(stay.left_by));
    if (!state) throw MatrixError::not_found("The state of the room at that time is not known here");
    co_return state;
}

Task<storage::StateMapPtr> RoomStateReader::readable_state(std::string user_id, proto::RoomId room_id) {
    auto access = co_await access_.require(std::move(user_id), room_id);
    if (access.standing.former) co_return co_await state_at_end_of(std::move(*access.standing.former));
    const auto current = co_await states_.current_state(std::move(room_id));
    co_return storage::StateMapPtr{current, &current->events};
}

Task<std::vector<storage::StoredEventPtr>> RoomStateReader::state(std::string user_id,
                                                                  proto::RoomId room_id) {
    const auto state = co_await readable_state(std::move(user_id), std::move(room_id));
    std::vector<proto::EventId> ids;
    ids.reserve(state->size());
    for (const auto& [key, id] : *state) ids.push_back(id);
    co_return co_await events_.get_stored(std::move(ids));
}

Task<storage::StoredEventPtr> RoomStateReader::state_event(std::string user_id, proto::RoomId room_id,
                                                           proto::StateKey key) {
    const auto state = co_await readable_state(std::move(user_id), std::move(room_id));
    std::vector<proto::EventId> ids;
    if (const auto found = state->find(key); found != state->end()) ids.push_back(found->second);
    const auto events = co_await events_.get_stored(std::move(ids));
    if (events.empty()) throw MatrixError::not_found("The room has no such state");
    co_return events.front();
}

Task<storage::StateMapPtr> RoomStateReader::state_at(std::string user_id, proto::RoomId room_id,
                                                     ReadAccess access, storage::RoomToken at) {
    auto page = co_await events_.paginate(room_id, at, std::nullopt, storage::Direction::kBackward, 1, {});
    if (page.events.empty()) {
        // Before its first event a room has nobody: the beginning is when its creator had come.
        page = co_await events_.paginate(std::move(room_id), kBeginning, std::nullopt, storage::Direction::kForward, 2, {});
        if (page.events.size() > 1) page.events.erase(page.events.begin());
    }
    auto last = co_await events_.get_stored(std::move(page.events));
    if (last.empty()) co_return std::make_shared<const proto::StateMap>();
    const auto event = last.front()->event;
    if (auto& stay = access.standing.former; stay && event->stream_ordering() > stay->left_at) {
        co_return co_await state_at_end_of(std::move(*stay));
    }
    const auto visible = co_await visibility_.visible(std::move(user_id), std::move(last));
    if (visible.empty())
        throw MatrixError::forbidden("That part of the room's history is not visible to you");
    auto state = co_await states_.state_after(event->event_id());
    co_return state ? std::move(state) : std::make_shared<const proto::StateMap>();
}

Task<std::vector<storage::StoredEventPtr>> RoomStateReader::members(MembersQuery query) {
    auto access = co_await access_.require(query.user_id, query.room_id);
    std::vector<proto::EventId> ids;
    if (query.at) {
        ids = members_in(*co_await state_at(query.user_id, query.room_id, std::move(access), *query.at));
    } else if (access.standing.former) {
        ids = members_in(*co_await state_at_end_of(std::move(*access.standing.former)));
    } else {
        ids = members_in(*co_await states_.current_state(query.room_id), query);
    }
    auto members = co_await events_.get_stored(std::move(ids));
    std::erase_if(members, [&](const auto& stored) {
        return !query.wants(stored->event->membership().value_or("leave"));
    });
    co_return members;
}

Task<std::vector<storage::StoredEventPtr>> RoomStateReader::joined_members(std::string user_id,
                                                                           proto::RoomId room_id) {
    co_await access_.require_joined(user_id, room_id);
    MembersQuery joined{std::move(user_id), room_id};
    joined.membership = "join";
    co_return co_await events_.get_stored(
        members_in(*co_await states_.current_state(std::move(room_id)), joined));
}

}  // namespace weft::handlers
