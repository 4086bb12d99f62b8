#include "weft/handlers/rooms/state_events.hpp"

#include <algorithm>

#include "weft/core/errors.hpp"
#include "weft/proto/event_types.hpp"

namespace weft::handlers {

namespace event_type = proto::event_type;
namespace json = boost::json;
using core::MatrixError;

namespace {

/// All alias texts of m.room.canonical_alias; throws if something else stands where an alias should.
std::vector<std::string> listed_aliases(const json::object& content) {
    std::vector<std::string> out;
    const auto add = [&](const json::value& value) {
        const auto* const text = value.if_string();
        if (!text) throw MatrixError::invalid_param("An alias in m.room.canonical_alias is not a string");
        out.emplace_back(*text);
    };
    // A null or empty alias means that there is none.
    if (const auto* const alias = proto::find(content, "alias"); alias && !alias->is_null()) {
        if (const auto* const text = alias->if_string(); !text || !text->empty()) add(*alias);
    }
    if (const auto* const others = proto::find(content, "alt_aliases")) {
        if (!others->is_array())
            throw MatrixError::invalid_param("'alt_aliases' must be a list of room aliases");
        for (const auto& alias : others->get_array()) add(alias);
    }
    return out;
}

/// The same for content that is in the room already, whatever it holds.
std::vector<std::string> known_aliases(const json::object& content) {
    std::vector<std::string> out;
    if (const auto alias = proto::get_string(content, "alias")) out.emplace_back(*alias);
    if (const auto* const others = proto::get_array(content, "alt_aliases")) {
        for (const auto& alias : *others) {
            if (const auto* const text = alias.if_string()) out.emplace_back(*text);
        }
    }
    return out;
}

}  // namespace

std::vector<proto::RoomAlias> new_aliases(const json::object& content, const json::object& before) {
    const auto known = known_aliases(before);
    std::vector<proto::RoomAlias> out;
    for (const auto& text : listed_aliases(content)) {
        if (std::ranges::find(known, text) != known.end()) continue;
        const auto alias = proto::RoomAlias::parse(text);
        if (!alias) throw MatrixError::invalid_param(fmt::format("'{}' is not a room alias", text));
        out.push_back(*alias);
    }
    return out;
}

StateEvents::StateEvents(RoomReader& rooms, EventSender& sender, Membership& membership,
                         RoomDirectory& directory, const core::Clock& clock)
    : rooms_{rooms}, sender_{sender}, membership_{membership}, directory_{directory}, clock_{clock} {}

Task<proto::EventId> StateEvents::put(StateRequest request) {
    if (request.type == event_type::kMember) {
        co_return co_await membership_.change_by_content(std::move(request.actor), std::move(request.room_id),
                                                         std::move(request.state_key),
                                                         std::move(request.content));
    }
    if (request.type == event_type::kCanonicalAlias && request.state_key.empty())
        co_await check_new_aliases(request);
    if (request.type == event_type::kCreate && request.state_key.empty()) {
        throw MatrixError{400, "M_BAD_STATE", "A room is created once"};
    }
    if (request.type == event_type::kPowerLevels && request.state_key.empty()) co_await check_creators(request);

    const auto room_id = request.room_id;
    const bool closes_to_guests = request.type == event_type::kGuestAccess && request.state_key.empty() &&
                                  proto::get_string(request.content, "guest_access") != "can_join";
    const auto at_ms = request.actor.at_ms.value_or(clock_.now_ms());
    SendRequest out{proto::EventDraft{
        .room_id = std::move(request.room_id),
        .sender = std::move(request.actor.user_id),
        .type = std::move(request.type),
        .state_key = std::move(request.state_key),
        .content = std::move(request.content),
        .redacts = std::nullopt,
        .origin_server_ts = at_ms,
    }};
    const auto result = co_await sender_.send(std::move(out));
    co_await sender_.wait_for_event(result);
    if (closes_to_guests && !result.duplicate) co_await membership_.remove_guests(room_id);
    co_return result.event_id;
}

/// The auth rules would refuse it as well, but not say whose mistake it is.
Task<void> StateEvents::check_creators(StateRequest request) {
    const auto* const users = proto::get_object(request.content, "users");
    if (!users) co_return;
    const auto levels = co_await rooms_.power_levels(request.room_id);
    for (const auto& [user_id, level] : *users) {
        if (levels.user_level(user_id) == proto::kCreatorPowerLevel) {
            throw MatrixError::bad_json(fmt::format("{} created the room and can have no power level", user_id));
        }
    }
}

Task<void> StateEvents::check_new_aliases(StateRequest request) {
    const auto before = co_await rooms_.content(request.room_id, event_type::kCanonicalAlias);
    for (const auto& alias : new_aliases(request.content, before)) {
        const auto resolved = co_await directory_.find(alias);
        if (!resolved || resolved->room_id != request.room_id) {
            throw MatrixError{400, "M_BAD_ALIAS",
                              fmt::format("The alias '{}' does not point to this room", alias)};
        }
    }
}

}  // namespace weft::handlers
