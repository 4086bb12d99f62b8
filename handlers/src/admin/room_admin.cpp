#include "weft/handlers/admin/room_admin.hpp"

#include <boost/json/array.hpp>

#include "weft/core/errors.hpp"
#include "weft/handlers/event_view.hpp"
#include "weft/proto/event_types.hpp"
#include "weft/proto/json.hpp"

namespace weft::handlers {

using core::MatrixError;
namespace event_type = proto::event_type;
namespace json = boost::json;

namespace {

json::value or_null(const std::optional<std::string>& text) {
    if (!text) return nullptr;
    return json::value(*text);
}

json::object document(const storage::ListedRoom& room) {
    json::object out{{"room_id", room.room_id},
                     {"joined_members", room.joined_members},
                     {"joined_local_members", room.joined_local_members},
                     {"federatable", room.federatable},
                     {"public", room.is_public},
                     {"state_events", room.state_events}};
    out["name"] = or_null(room.name);
    out["canonical_alias"] = or_null(room.canonical_alias);
    out["version"] = or_null(room.version);
    out["creator"] = or_null(room.creator);
    out["encryption"] = or_null(room.encryption);
    out["join_rules"] = or_null(room.join_rules);
    out["guest_access"] = or_null(room.guest_access);
    out["history_visibility"] = or_null(room.history_visibility);
    out["room_type"] = or_null(room.room_type);
    return out;
}

MatrixError unknown_room() {
    return MatrixError::not_found("Room not found");
}

}  // namespace

Task<json::object> RoomAdmin::list(storage::RoomPageQuery query) {
    const auto from = query.from;
    const auto limit = query.limit;
    const auto page = co_await rooms_.page(std::move(query), config_.server_name);
    json::array rooms;
    for (const auto& room : page.rooms) rooms.push_back(document(room));
    json::object out{{"rooms", std::move(rooms)}, {"offset", from}, {"total_rooms", page.total}};
    if (from + limit < page.total) out["next_batch"] = from + limit;
    if (from > 0) out["prev_batch"] = std::max<std::int64_t>(0, from - limit);
    co_return out;
}

Task<json::object> RoomAdmin::details(std::string room_id) {
    storage::RoomPageQuery query;
    query.room_id = std::move(room_id);
    const auto page = co_await rooms_.page(std::move(query), config_.server_name);
    if (page.rooms.empty()) throw unknown_room();
    auto out = document(page.rooms.front());
    out["topic"] = or_null(page.rooms.front().topic);
    out["avatar"] = or_null(page.rooms.front().avatar);
    out["forgotten"] = page.rooms.front().joined_local_members == 0;
    co_return out;
}

Task<void> RoomAdmin::require_room(std::string room_id) {
    const auto parsed = proto::RoomId::parse(room_id);
    if (!parsed) throw MatrixError::invalid_param(parsed.error().message);
    if (!co_await events_.room_version(*parsed)) throw unknown_room();
}

Task<json::object> RoomAdmin::members(std::string room_id) {
    co_await require_room(room_id);
    json::array list;
    for (const auto& user_id : co_await rooms_.members(std::move(room_id))) list.emplace_back(user_id);
    const auto total = list.size();
    co_return json::object{{"members", std::move(list)}, {"total", total}};
}

Task<std::string> RoomAdmin::state(std::string room_id, std::string asked_by) {
    co_await require_room(room_id);
    const auto stored = co_await states_.stored_state(proto::RoomId::trusted(room_id));
    std::vector<proto::EventId> ids;
    for (const auto& [key, event_id] : *stored) ids.push_back(event_id);
    std::vector<storage::StoredEventPtr> events;
    for (const auto& event : co_await events_.get_events(std::move(ids))) {
        events.push_back(std::make_shared<const storage::StoredEvent>(storage::StoredEvent{event, nullptr}));
    }
    EventViewer viewer;
    viewer.user_id = std::move(asked_by);
    std::string text = R"({"state":)";
    append_events(text, events, viewer);
    co_return text + "}";
}

Task<proto::UserId> RoomAdmin::strongest_local_member(proto::RoomId room_id) {
    const auto levels = co_await reader_.power_levels(room_id);
    std::optional<std::string> best;
    for (auto& user_id : co_await states_.joined_local_users(room_id, config_.server_name)) {
        if (!best || levels.user_level(user_id) > levels.user_level(*best)) best = std::move(user_id);
    }
    if (!best || levels.user_level(*best) < levels.event_level(event_type::kPowerLevels, true)) {
        throw MatrixError::unknown("No local admin user in room with power to update power levels.");
    }
    co_return proto::UserId::trusted(std::move(*best));
}

Task<void> RoomAdmin::make_admin(proto::RoomId room_id, proto::UserId user_id) {
    co_await require_room(room_id.str());
    const auto giver = co_await strongest_local_member(room_id);
    const auto levels = co_await reader_.power_levels(room_id);
    auto content = co_await reader_.content(room_id, event_type::kPowerLevels);
    auto& users = content["users"];
    if (!users.is_object()) users = json::object{};
    const auto& given = users.get_object();
    const auto* own = proto::find(given, giver.str());
    // The creator of a room of version 12 has more power than can be written down.
    const std::int64_t level = own && own->is_int64() ? own->get_int64() : 100;
    if (levels.user_level(user_id.str()) < level) {
        users.get_object()[user_id.str()] = level;
        SendRequest request{proto::EventDraft{.room_id = room_id,
                                              .sender = giver,
                                              .type = std::string{event_type::kPowerLevels},
                                              .state_key = std::string{},
                                              .content = std::move(content),
                                              .redacts = std::nullopt}};
        request.ratelimit = false;
        co_await sender_.send(std::move(request));
    }
    const auto rules = co_await reader_.content(room_id, event_type::kJoinRules);
    const auto membership = co_await reader_.membership(room_id, user_id);
    if (membership == "join" || membership == "invite" || proto::get_string(rules, "join_rule") == "public")
        co_return;
    co_await membership_.change(MembershipRequest{MembershipAction::kInvite, room_id, Actor{giver}, user_id});
}

Task<void> RoomAdmin::join(proto::RoomId room_id, proto::UserId user_id, Actor admin) {
    if (user_id.server_name() != config_.server_name) {
        throw MatrixError::unknown("This endpoint can only be used with local users");
    }
    const auto rules = co_await reader_.content(room_id, event_type::kJoinRules);
    const auto membership = co_await reader_.membership(room_id, user_id);
    if (membership != "join" && membership != "invite" && proto::get_string(rules, "join_rule") != "public") {
        MembershipRequest invite{MembershipAction::kInvite, room_id, std::move(admin), user_id};
        co_await membership_.change(std::move(invite));
    }
    MembershipRequest request{MembershipAction::kJoin, std::move(room_id), Actor{user_id}, user_id};
    co_await membership_.change(std::move(request));
}

Task<json::object> RoomAdmin::block_status(std::string room_id) {
    const auto by = co_await rooms_.blocked_by(std::move(room_id));
    json::object out{{"block", by.has_value()}};
    if (by) out["user_id"] = *by;
    co_return out;
}

Task<void> RoomAdmin::set_blocked(std::string room_id, std::string by, bool blocked) {
    co_await rooms_.set_blocked(std::move(room_id), std::move(by), blocked);
}

Task<std::int64_t> RoomAdmin::depth_of(std::string room_id, std::optional<std::string> event_id,
                                       std::optional<std::int64_t> time_ms) {
    co_await require_room(room_id);
    std::optional<std::int64_t> depth;
    if (event_id) {
        depth = co_await rooms_.depth_of(std::move(room_id), std::move(*event_id));
        if (!depth) throw MatrixError::not_found("The event is not in this room");
    } else if (time_ms) {
        depth = co_await rooms_.depth_at(std::move(room_id), *time_ms);
        if (!depth) throw MatrixError::not_found("There is no event to be purged");
    } else {
        throw MatrixError::missing_param("Either purge_up_to_event_id or purge_up_to_ts is needed");
    }
    co_return *depth;
}

}  // namespace weft::handlers
