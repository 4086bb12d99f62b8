#include "weft/handlers/rooms/room_reader.hpp"

#include <array>

#include "weft/core/errors.hpp"
#include "weft/proto/client_event.hpp"
#include "weft/proto/event_types.hpp"

namespace weft::handlers {

namespace event_type = proto::event_type;

namespace {

/// What helps somebody outside to recognise a room.
constexpr std::array kStrippedTypes{
    event_type::kCreate,    event_type::kName,           event_type::kAvatar,    event_type::kTopic,
    event_type::kJoinRules, event_type::kCanonicalAlias, event_type::kEncryption};

}  // namespace

RoomReader::RoomReader(storage::StateStore& state, storage::EventsStore& events)
    : state_{state}, events_{events} {}

Task<const proto::RoomVersion*> RoomReader::version(proto::RoomId room_id) {
    const auto* const version = co_await events_.room_version(room_id);
    if (!version) throw core::MatrixError::not_found("No such room, and no other server is known to have it");
    co_return version;
}

Task<storage::RoomStatePtr> RoomReader::state(proto::RoomId room_id) {
    return state_.current_state(std::move(room_id));
}

Task<std::string> RoomReader::membership(proto::RoomId room_id, proto::UserId user_id) {
    const auto state = co_await state_.current_state(room_id);
    co_return std::string{state->membership(user_id.str())};
}

Task<void> RoomReader::require_joined(proto::RoomId room_id, proto::UserId user_id) {
    if (co_await membership(room_id, user_id) != "join") {
        throw core::MatrixError::forbidden(fmt::format("User {} is not in room {}", user_id, room_id));
    }
}

Task<proto::json::object> RoomReader::content(proto::RoomId room_id, std::string_view type) {
    const auto event = co_await state_.current_event(room_id, std::string{type});
    co_return event ? event->content() : proto::json::object{};
}

Task<proto::PowerLevels> RoomReader::power_levels(proto::RoomId room_id) {
    const auto* const version = co_await this->version(room_id);
    auto power_levels = co_await state_.current_event(room_id, std::string{event_type::kPowerLevels});
    auto create = co_await state_.current_event(room_id, std::string{event_type::kCreate});
    co_return proto::PowerLevels{std::move(power_levels), std::move(create), *version};
}

Task<proto::json::array> RoomReader::stripped_state(proto::RoomId room_id, proto::UserId about) {
    const auto state = co_await state_.current_state(room_id);
    std::vector<proto::EventId> ids;
    for (const auto type : kStrippedTypes) {
        if (const auto* id = state->find(type)) ids.push_back(*id);
    }
    if (const auto* id = state->find(event_type::kMember, about.str())) ids.push_back(*id);
    proto::json::array out;
    for (const auto& event : co_await events_.get_events(std::move(ids)))
        out.push_back(proto::stripped_state(*event));
    co_return out;
}

}  // namespace weft::handlers
