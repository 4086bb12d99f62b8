#include "weft/proto/auth_rules.hpp"

#include <algorithm>
#include <unordered_set>

#include "auth_checks.hpp"
#include "weft/proto/event_types.hpp"

namespace weft::proto {

namespace {

AuthResult check_additional_creators(const Event& event) {
    const auto* value = find(event.content(), "additional_creators");
    if (!value) return AuthResult::allow();
    const auto* list = value->if_array();
    const bool valid = list && std::ranges::all_of(*list, [](const json::value& item) {
                           const auto* text = item.if_string();
                           return text && UserId::is_valid(std::string_view{*text});
                       });
    if (!valid) return AuthResult::reject("1.4", "additional_creators is not a list of user ids");
    return AuthResult::allow();
}

AuthResult check_create(const Event& event, const RoomVersion& version) {
    if (!event.prev_events().empty()) return AuthResult::reject("1.1", "m.room.create has prev_events");
    if (!version.room_id_is_create_hash && event.room_id().server_name() != event.sender().server_name()) {
        return AuthResult::reject("1.2", "room id and sender are of different servers");
    }
    if (const auto* value = find(event.content(), "room_version")) {
        const auto* text = value->if_string();
        if (!text || !RoomVersion::find(std::string_view{*text})) {
            return AuthResult::reject("1.3", "room_version is not known");
        }
    }
    if (!version.implicit_creator && !find(event.content(), "creator")) {
        return AuthResult::reject("1.4", "m.room.create has no creator");
    }
    return version.privileged_creators ? check_additional_creators(event) : AuthResult::allow();
}

/// The room of the event exists and is of this create event.
AuthResult check_room(const Event& event, const Event* create, const RoomVersion& version,
                      const RuleNumbers& rules) {
    if (!version.room_id_is_create_hash) {
        if (!create)
            return AuthResult::reject(rule_number(rules.auth_events, 4), "there is no m.room.create event");
        return AuthResult::allow();
    }
    if (!create || create->rejected() ||
        create->event_id().str().substr(1) != event.room_id().str().substr(1)) {
        return AuthResult::reject("2", "the room id is not that of an accepted m.room.create event");
    }
    return AuthResult::allow();
}

AuthResult check_aliases(const Event& event, const RuleNumbers& rules) {
    if (!event.state_key())
        return AuthResult::reject(rule_number(rules.aliases, 1), "m.room.aliases has no state_key");
    if (*event.state_key() != event.sender().server_name()) {
        return AuthResult::reject(rule_number(rules.aliases, 2), "state_key is not the sender's server");
    }
    return AuthResult::allow();
}

AuthResult check_old_redaction(const Event& event, const PowerLevels& levels, const RuleNumbers& rules) {
    if (levels.user_level(event.sender().str()) >= levels.redact()) return AuthResult::allow();
    const auto& target = event.redacts();
    if (target && target->server_name() && target->server_name() == event.event_id().server_name()) {
        return AuthResult::allow();
    }
    return AuthResult::reject(rule_number(rules.redaction, 3),
                              "sender may not redact events of other servers");
}

}  // namespace

AuthResult AuthResult::reject(std::string rule, std::string reason) {
    AuthResult result;
    result.reason_ = fmt::format("rule {}: {}", rule, reason);
    result.rule_ = std::move(rule);
    return result;
}

AuthResult check_auth(const Event& event, const AuthLookup& auth, const RoomVersion& version) {
    const RuleNumbers rules{version};
    if (event.type() == event_type::kCreate) return check_create(event, version);

    const auto* create = auth.find(event_type::kCreate);
    if (auto result = check_room(event, create, version, rules); !result) return result;
    if (get_bool(create->content(), "m.federate") == false &&
        event.sender().server_name() != create->sender().server_name()) {
        return AuthResult::reject(rule_number(rules.federate), "the room is not federated");
    }
    if (version.aliases_are_special && event.type() == event_type::kAliases)
        return check_aliases(event, rules);

    const auto levels = auth.power_levels(version);
    if (event.type() == event_type::kMember) return check_member(event, auth, levels, version, rules);

    if (auth.membership(event.sender()) != "join") {
        return AuthResult::reject(rule_number(rules.sender_joined), "sender is not in the room");
    }
    const auto sender_level = levels.user_level(event.sender());
    if (event.type() == event_type::kThirdPartyInvite) {
        if (sender_level >= levels.invite()) return AuthResult::allow();
        return AuthResult::reject(rule_number(rules.third_party_invite, 1), "sender may not invite");
    }
    if (levels.event_level(event.type(), event.is_state()) > sender_level) {
        return AuthResult::reject(
            rule_number(rules.event_level),
            fmt::format("sender's power level does not suffice to send {}", event.type()));
    }
    if (event.state_key() && event.state_key()->starts_with('@') &&
        *event.state_key() != event.sender().str()) {
        return AuthResult::reject(rule_number(rules.state_key), "state_key is another user's id");
    }
    if (event.type() == event_type::kPowerLevels) {
        return check_power_levels(event, auth.find(event_type::kPowerLevels), *create, sender_level, version,
                                  rules);
    }
    if (version.redaction_auth_rule && event.type() == event_type::kRedaction) {
        return check_old_redaction(event, levels, rules);
    }
    return AuthResult::allow();
}

AuthResult check_auth_event_selection(const Event& event, std::span<const EventPtr> auth_events,
                                      const RoomVersion& version) {
    const int rule = RuleNumbers{version}.auth_events;
    const auto wanted = auth_types_for_event(event);
    std::unordered_set<StateKey> seen;
    bool has_create = false;
    for (const auto& auth_event : auth_events) {
        if (!auth_event) continue;
        const auto key = auth_event->key();
        if (auth_event->is_state() && !seen.insert(key).second) {
            return AuthResult::reject(rule_number(rule, 1), fmt::format("two auth events for {}", key.type()));
        }
        if (!auth_event->is_state() || std::ranges::find(wanted, key) == wanted.end()) {
            return AuthResult::reject(rule_number(rule, 2),
                                      fmt::format("{} is not among the auth events of this", key.type()));
        }
        if (auth_event->rejected())
            return AuthResult::reject(rule_number(rule, 3), "an auth event was itself rejected");
        if (auth_event->room_id() != event.room_id()) {
            return AuthResult::reject(rule_number(rule, 5), "an auth event is of another room");
        }
        has_create = has_create || auth_event->type() == event_type::kCreate;
    }
    if (!has_create && !version.room_id_is_create_hash && event.type() != event_type::kCreate) {
        return AuthResult::reject(rule_number(rule, 4),
                                  "there is no m.room.create event among the auth events");
    }
    return AuthResult::allow();
}

}  // namespace weft::proto
