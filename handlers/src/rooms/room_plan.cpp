#include "weft/handlers/rooms/room_plan.hpp"

#include <algorithm>

#include "weft/core/errors.hpp"
#include "weft/proto/event_types.hpp"

namespace weft::handlers {

namespace event_type = proto::event_type;
namespace json = boost::json;
using core::MatrixError;

namespace {

constexpr std::int64_t kCreatorLevel = 100;

/// What a preset decides.
struct PresetRules {
    std::string_view join_rule;
    std::string_view history_visibility;
    std::string_view guest_access;
    std::int64_t invite_level;
};

PresetRules rules_of(RoomPreset preset) {
    if (preset == RoomPreset::kPublicChat) return {"public", "shared", "forbidden", 50};
    return {"invite", "shared", "can_join", 0};
}

/// The additional creators of version 12 and later: those asked for and, in a trusted private chat, all who
/// are invited.
json::array additional_creators(const CreateRoomRequest& request, const RoomPlanContext& context) {
    std::vector<std::string> users;
    const auto add = [&](std::string_view user) {
        if (user != context.creator.str() && std::ranges::find(users, user) == users.end())
            users.emplace_back(user);
    };
    if (const auto* const given = proto::find(request.creation_content, "additional_creators")) {
        if (!given->is_array())
            throw MatrixError::bad_json("'additional_creators' must be a list of user IDs");
        for (const auto& entry : given->get_array()) {
            const auto* const text = entry.if_string();
            if (!text || !proto::UserId::is_valid(*text)) {
                throw MatrixError::bad_json("'additional_creators' must be a list of user IDs");
            }
            add(*text);
        }
    }
    if (preset_of(request) == RoomPreset::kTrustedPrivateChat) {
        for (const auto& user : request.invite) add(user.str());
    }
    json::array out;
    for (auto& user : users) out.emplace_back(std::move(user));
    return out;
}

class Plan {
public:
    explicit Plan(const RoomPlanContext& context) : context_{context} {}

    void state(std::string_view type, json::object content, std::string state_key = {}) {
        events_.push_back(proto::EventDraft{
            .room_id = context_.room_id,
            .sender = context_.creator,
            .type = std::string{type},
            .state_key = std::move(state_key),
            .content = std::move(content),
            .redacts = std::nullopt,
            .origin_server_ts = context_.now_ms,
        });
    }
    std::vector<proto::EventDraft> take() { return std::move(events_); }

private:
    const RoomPlanContext& context_;
    std::vector<proto::EventDraft> events_;
};

bool sets(const CreateRoomRequest& request, std::string_view type) {
    return std::ranges::any_of(request.initial_state, [&](const auto& entry) {
        return entry.type == type && entry.state_key.empty();
    });
}

/// `name` and `topic` come after initial_state and replace what it says.
bool is_replaced(const CreateRoomRequest& request, const InitialState& entry) {
    if (!entry.state_key.empty()) return false;
    return (entry.type == event_type::kName && request.name) ||
           (entry.type == event_type::kTopic && request.topic);
}

}  // namespace

RoomPreset preset_of(const CreateRoomRequest& request) {
    if (request.preset) return *request.preset;
    const bool is_public = request.visibility == DirectoryVisibility::kPublic;
    return is_public ? RoomPreset::kPublicChat : RoomPreset::kPrivateChat;
}

json::object create_content(const CreateRoomRequest& request, const RoomPlanContext& context) {
    const auto& version = *context.version;
    json::object content = request.creation_content;
    content["room_version"] = version.id;
    if (version.implicit_creator) {
        content.erase("creator");
    } else {
        content["creator"] = context.creator.str();
    }
    if (version.privileged_creators) {
        content.erase("additional_creators");
        if (auto creators = additional_creators(request, context); !creators.empty()) {
            content["additional_creators"] = std::move(creators);
        }
    }
    return content;
}

json::object power_levels_content(const CreateRoomRequest& request, const RoomPlanContext& context) {
    const bool privileged = context.version->privileged_creators;
    json::object users;
    // From version 12 on creators outrank all levels and may not be listed.
    if (!privileged) {
        users[context.creator.str()] = kCreatorLevel;
        if (preset_of(request) == RoomPreset::kTrustedPrivateChat) {
            for (const auto& user : request.invite) users[user.str()] = kCreatorLevel;
        }
    }
    json::object content{
        {"users", std::move(users)},
        {"users_default", 0},
        {"events",
         {{event_type::kName, 50},
          {event_type::kAvatar, 50},
          {event_type::kCanonicalAlias, 50},
          {event_type::kPowerLevels, 100},
          {event_type::kHistoryVisibility, 100},
          {event_type::kEncryption, 100},
          {event_type::kServerAcl, 100},
          {event_type::kTombstone, privileged ? 150 : 100}}},
        {"events_default", 0},
        {"state_default", 50},
        {"ban", 50},
        {"kick", 50},
        {"redact", 50},
        {"invite", rules_of(preset_of(request)).invite_level},
    };
    for (const auto& [key, value] : request.power_level_override) content[key] = value;
    return content;
}

json::object topic_content(const std::string& topic) {
    return {
        {"topic", topic},
        {"m.topic", {{"m.text", json::array{json::object{{"body", topic}, {"mimetype", "text/plain"}}}}}}};
}

std::vector<proto::EventDraft> plan_room(const CreateRoomRequest& request, const RoomPlanContext& context) {
    Plan plan{context};
    plan.state(event_type::kCreate, create_content(request, context));
    auto member = context.creator_member;
    member["membership"] = "join";
    plan.state(event_type::kMember, std::move(member), context.creator.str());
    plan.state(event_type::kPowerLevels, power_levels_content(request, context));
    if (context.alias) plan.state(event_type::kCanonicalAlias, {{"alias", context.alias->str()}});

    const auto rules = rules_of(preset_of(request));
    if (!sets(request, event_type::kJoinRules)) {
        plan.state(event_type::kJoinRules, {{"join_rule", rules.join_rule}});
    }
    if (!sets(request, event_type::kHistoryVisibility)) {
        plan.state(event_type::kHistoryVisibility, {{"history_visibility", rules.history_visibility}});
    }
    if (!sets(request, event_type::kGuestAccess)) {
        plan.state(event_type::kGuestAccess, {{"guest_access", rules.guest_access}});
    }

    for (const auto& entry : request.initial_state) {
        if (!is_replaced(request, entry)) plan.state(entry.type, entry.content, entry.state_key);
    }
    if (request.name) plan.state(event_type::kName, {{"name", *request.name}});
    if (request.topic) plan.state(event_type::kTopic, topic_content(*request.topic));
    return plan.take();
}

}  // namespace weft::handlers
