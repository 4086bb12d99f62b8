#include <algorithm>

#include "weft/proto/auth_rules.hpp"
#include "weft/proto/event_types.hpp"

namespace weft::proto {

namespace {

void add(std::vector<StateKey>& keys, std::string_view type, std::string_view state_key = {}) {
    StateKey key{type, state_key};
    if (std::ranges::find(keys, key) == keys.end()) keys.push_back(std::move(key));
}

}  // namespace

std::vector<StateKey> auth_types_for_event(std::string_view type, std::string_view sender,
                                           const std::optional<std::string>& state_key,
                                           const json::object& content, const RoomVersion& version) {
    std::vector<StateKey> keys;
    if (type == event_type::kCreate) return keys;
    keys.reserve(6);
    if (!version.room_id_is_create_hash) add(keys, event_type::kCreate);
    add(keys, event_type::kPowerLevels);
    add(keys, event_type::kMember, sender);
    if (type != event_type::kMember) return keys;

    if (state_key) add(keys, event_type::kMember, *state_key);
    const auto membership = get_string(content, "membership").value_or("");
    if (membership == "join" || membership == "invite" || membership == "knock")
        add(keys, event_type::kJoinRules);
    if (membership == "invite") {
        const auto* invite = get_object(content, "third_party_invite");
        const auto* proof = invite ? get_object(*invite, "signed") : nullptr;
        const auto token = proof ? get_string(*proof, "token") : std::nullopt;
        if (token) add(keys, event_type::kThirdPartyInvite, *token);
    }
    if (membership == "join" && version.restricted_joins) {
        const auto authorizer = get_string(content, "join_authorised_via_users_server");
        if (authorizer) add(keys, event_type::kMember, *authorizer);
    }
    return keys;
}

std::vector<StateKey> auth_types_for_event(const Event& event) {
    return auth_types_for_event(event.type(), event.sender().str(), event.state_key(), event.content(),
                                event.room_version());
}

AuthLookup::AuthLookup(std::span<const EventPtr> events) {
    for (const auto& event : events) add(event);
}

void AuthLookup::add(EventPtr event) {
    if (!event || !event->state_key()) return;
    for (auto& held : events_) {
        if (held->type() == event->type() && held->state_key() == event->state_key()) {
            held = std::move(event);
            return;
        }
    }
    events_.push_back(std::move(event));
}

EventPtr AuthLookup::find_ptr(std::string_view type, std::string_view state_key) const {
    for (const auto& event : events_) {
        if (event->is_state(type, state_key)) return event;
    }
    return nullptr;
}

const Event* AuthLookup::find(std::string_view type, std::string_view state_key) const {
    for (const auto& event : events_) {
        if (event->is_state(type, state_key)) return event.get();
    }
    return nullptr;
}

std::string_view AuthLookup::membership(std::string_view user_id) const {
    const auto* member = find(event_type::kMember, user_id);
    return member ? member->membership().value_or("leave") : "leave";
}

PowerLevels AuthLookup::power_levels(const RoomVersion& version) const {
    return PowerLevels{find_ptr(event_type::kPowerLevels), find_ptr(event_type::kCreate), version};
}

bool may_redact(const Event& redaction, const Event& target, const PowerLevels& levels) {
    return levels.user_level(redaction.sender().str()) >= levels.redact() ||
           redaction.sender().server_name() == target.sender().server_name();
}

}  // namespace weft::proto
