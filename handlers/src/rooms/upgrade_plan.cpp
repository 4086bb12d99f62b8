#include "weft/handlers/rooms/upgrade_plan.hpp"

#include <algorithm>
#include <array>

#include "weft/proto/event_types.hpp"
#include "weft/proto/power_levels.hpp"

namespace weft::handlers {

namespace event_type = proto::event_type;
namespace json = boost::json;

namespace {

/// What goes over as it is, in the order in which it is sent.
constexpr std::array kTransferred{
    event_type::kServerAcl, event_type::kEncryption,  event_type::kName,      event_type::kAvatar,
    event_type::kTopic,     event_type::kGuestAccess, event_type::kJoinRules, event_type::kHistoryVisibility};

constexpr std::int64_t kAdministrator = 100;
constexpr std::int64_t kModerator = 50;
constexpr std::int64_t kTombstoneOfPrivileged = 150;

const proto::Event* find_state(const UpgradeSource& source, std::string_view type) {
    for (const auto& event : source.state) {
        if (event->is_state(type)) return event.get();
    }
    return nullptr;
}

json::object create_content_of(const UpgradeSource& source, const RoomPlanContext& context) {
    CreateRoomRequest request;
    json::object predecessor{{"room_id", source.room_id.str()}};
    // Deprecated; rooms whose ID is their creation's hash never had it.
    if (source.last_event && !context.version->room_id_is_create_hash) predecessor["event_id"] = source.last_event->str();
    request.creation_content["predecessor"] = std::move(predecessor);
    if (const auto* const old = find_state(source, event_type::kCreate)) {
        if (const auto type = proto::get_string(old->content(), "type"))
            request.creation_content["type"] = *type;
        if (const auto federate = proto::get_bool(old->content(), "m.federate")) {
            request.creation_content["m.federate"] = *federate;
        }
    }
    if (context.version->privileged_creators) {
        json::array creators;
        for (const auto& user : source.additional_creators) creators.emplace_back(user.str());
        request.creation_content["additional_creators"] = std::move(creators);
    }
    return create_content(request, context);
}

/// Integers as they are, what an old version takes for one as one; everything else falls away.
json::object integers_of(const json::object& levels, const proto::RoomVersion& version) {
    json::object out;
    for (const auto& [key, value] : levels) {
        if (const auto* const nested = value.if_object()) {
            out[key] = integers_of(*nested, version);
        } else if (const auto level = proto::parse_power_level(value, version)) {
            out[key] = *level;
        }
    }
    return out;
}

std::int64_t highest_level(const json::object& levels) {
    std::int64_t highest = kAdministrator;
    for (const auto& [key, value] : levels) {
        if (const auto* const nested = value.if_object()) highest = std::max(highest, highest_level(*nested));
        if (const auto level = proto::as_int(value)) highest = std::max(highest, *level);
    }
    return highest;
}

json::object& object_at(json::object& parent, std::string_view key) {
    auto& value = parent[key];
    return value.is_object() ? value.get_object() : value.emplace_object();
}

std::vector<std::string> creators_of(const json::object& create_content, const proto::UserId& sender) {
    std::vector<std::string> out{sender.str()};
    if (const auto* const more = proto::get_array(create_content, "additional_creators")) {
        for (const auto& user : *more) {
            if (const auto* const text = user.if_string()) out.emplace_back(*text);
        }
    }
    return out;
}

}  // namespace

json::object upgraded_power_levels(const json::object& content, const proto::Event* old_create,
                                   const json::object& new_create, const RoomPlanContext& context) {
    const auto& old_version = old_create ? old_create->room_version() : *context.version;
    auto out = integers_of(content, old_version);
    auto& users = object_at(out, "users");
    if (context.version->privileged_creators) {
        for (const auto& user : creators_of(new_create, context.creator)) users.erase(user);
        const auto state_default = proto::get_int(out, "state_default").value_or(kModerator);
        auto& events = object_at(out, "events");
        if (proto::get_int(events, event_type::kTombstone).value_or(state_default) <= state_default) {
            events[event_type::kTombstone] = std::max(kTombstoneOfPrivileged, state_default + 1);
        }
    } else if (old_create && old_version.privileged_creators) {
        // They stood above all levels without being listed; here they have to be.
        for (const auto& user : proto::room_creators(*old_create)) users[user] = highest_level(out);
    }
    return out;
}

std::vector<proto::EventDraft> plan_upgrade(const UpgradeSource& source, const RoomPlanContext& context) {
    std::vector<proto::EventDraft> events;
    const auto add = [&](std::string_view type, json::object content, std::string state_key = {}) {
        events.push_back(proto::EventDraft{
            .room_id = context.room_id,
            .sender = context.creator,
            .type = std::string{type},
            .state_key = std::move(state_key),
            .content = std::move(content),
            .redacts = std::nullopt,
            .origin_server_ts = context.now_ms,
        });
    };
    const auto create = create_content_of(source, context);
    add(event_type::kCreate, create);
    auto member = context.creator_member;
    member["membership"] = "join";
    add(event_type::kMember, std::move(member), context.creator.str());

    // First with the power to set everything, then as they were.
    auto first = power_levels_content(CreateRoomRequest{}, context);
    std::optional<json::object> last;
    if (const auto* const old = find_state(source, event_type::kPowerLevels)) {
        last =
            upgraded_power_levels(old->content(), find_state(source, event_type::kCreate), create, context);
        if (!context.version->privileged_creators) {
            object_at(first, "users")[context.creator.str()] = highest_level(*last);
        }
    }
    add(event_type::kPowerLevels, std::move(first));
    for (const auto type : kTransferred) {
        if (const auto* const event = find_state(source, type)) add(type, event->content());
    }
    if (last) add(event_type::kPowerLevels, std::move(*last));
    return events;
}

std::optional<json::object> closed_power_levels(const json::object& content) {
    const auto closed = std::max(kModerator, proto::get_int(content, "users_default").value_or(0) + 1);
    json::object out = content;
    bool changed = false;
    for (const auto* const key : {"events_default", "invite"}) {
        if (proto::get_int(content, key).value_or(0) >= closed) continue;
        out[key] = closed;
        changed = true;
    }
    if (!changed) return std::nullopt;
    return out;
}

}  // namespace weft::handlers
