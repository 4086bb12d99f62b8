#include <stdexcept>

#include "weft/proto/push_rules.hpp"

namespace weft::proto {

namespace {

/// Client-server API, "Predefined Rules", in the order given there. `{user_id}` stands for the owner of the
/// rules.
constexpr std::string_view kDefaultRules = R"json([
{"kind": "override", "rule_id": ".m.rule.master", "enabled": false, "conditions": [], "actions": []},
{"kind": "override", "rule_id": ".m.rule.suppress_notices", "enabled": true,
 "conditions": [{"kind": "event_match", "key": "content.msgtype", "pattern": "m.notice"}],
 "actions": []},
{"kind": "override", "rule_id": ".m.rule.invite_for_me", "enabled": true,
 "conditions": [{"kind": "event_match", "key": "type", "pattern": "m.room.member"},
                {"kind": "event_match", "key": "content.membership", "pattern": "invite"},
                {"kind": "event_match", "key": "state_key", "pattern": "{user_id}"}],
 "actions": ["notify", {"set_tweak": "sound", "value": "default"}]},
{"kind": "override", "rule_id": ".m.rule.member_event", "enabled": true,
 "conditions": [{"kind": "event_match", "key": "type", "pattern": "m.room.member"}],
 "actions": []},
{"kind": "override", "rule_id": ".m.rule.is_user_mention", "enabled": true,
 "conditions": [{"kind": "event_property_contains", "key": "content.m\\.mentions.user_ids", "value": "{user_id}"}],
 "actions": ["notify", {"set_tweak": "sound", "value": "default"}, {"set_tweak": "highlight"}]},
{"kind": "override", "rule_id": ".m.rule.is_room_mention", "enabled": true,
 "conditions": [{"kind": "event_property_is", "key": "content.m\\.mentions.room", "value": true},
                {"kind": "sender_notification_permission", "key": "room"}],
 "actions": ["notify", {"set_tweak": "highlight"}]},
{"kind": "override", "rule_id": ".m.rule.tombstone", "enabled": true,
 "conditions": [{"kind": "event_match", "key": "type", "pattern": "m.room.tombstone"},
                {"kind": "event_match", "key": "state_key", "pattern": ""}],
 "actions": ["notify", {"set_tweak": "highlight"}]},
{"kind": "override", "rule_id": ".m.rule.reaction", "enabled": true,
 "conditions": [{"kind": "event_match", "key": "type", "pattern": "m.reaction"}],
 "actions": []},
{"kind": "override", "rule_id": ".m.rule.room.server_acl", "enabled": true,
 "conditions": [{"kind": "event_match", "key": "type", "pattern": "m.room.server_acl"},
                {"kind": "event_match", "key": "state_key", "pattern": ""}],
 "actions": []},
{"kind": "override", "rule_id": ".m.rule.suppress_edits", "enabled": true,
 "conditions": [{"kind": "event_property_is", "key": "content.m\\.relates_to.rel_type", "value": "m.replace"}],
 "actions": []},
{"kind": "underride", "rule_id": ".m.rule.call", "enabled": true,
 "conditions": [{"kind": "event_match", "key": "type", "pattern": "m.call.invite"}],
 "actions": ["notify", {"set_tweak": "sound", "value": "ring"}]},
{"kind": "underride", "rule_id": ".m.rule.encrypted_room_one_to_one", "enabled": true,
 "conditions": [{"kind": "room_member_count", "is": "2"},
                {"kind": "event_match", "key": "type", "pattern": "m.room.encrypted"}],
 "actions": ["notify", {"set_tweak": "sound", "value": "default"}]},
{"kind": "underride", "rule_id": ".m.rule.room_one_to_one", "enabled": true,
 "conditions": [{"kind": "room_member_count", "is": "2"},
                {"kind": "event_match", "key": "type", "pattern": "m.room.message"}],
 "actions": ["notify", {"set_tweak": "sound", "value": "default"}]},
{"kind": "underride", "rule_id": ".m.rule.message", "enabled": true,
 "conditions": [{"kind": "event_match", "key": "type", "pattern": "m.room.message"}],
 "actions": ["notify"]},
{"kind": "underride", "rule_id": ".m.rule.encrypted", "enabled": true,
 "conditions": [{"kind": "event_match", "key": "type", "pattern": "m.room.encrypted"}],
 "actions": ["notify"]}
])json";

bool names_owner(const json::object& condition) {
    for (const auto key : {"pattern", "value"}) {
        if (get_string(condition, key) == "{user_id}") return true;
    }
    return false;
}

std::shared_ptr<const PushRule> make_rule(const json::object& source, int index) {
    auto rule = std::make_shared<PushRule>();
    rule->kind = parse_push_rule_kind(get_string(source, "kind").value()).value();
    rule->rule_id = get_string(source, "rule_id").value();
    rule->is_default = true;
    rule->enabled_by_default = get_bool(source, "enabled").value();
    rule->default_index = index;
    for (const auto& item : source.at("conditions").as_array()) {
        auto condition = PushCondition::parse(item.as_object());
        condition.value_is_user_id = names_owner(condition.source);
        rule->conditions.push_back(std::move(condition));
    }
    rule->actions = PushActions::parse(source.at("actions").as_array());
    return rule;
}

std::vector<std::shared_ptr<const PushRule>> make_rules() {
    const auto table = parse_json(kDefaultRules).value();
    std::vector<std::shared_ptr<const PushRule>> rules;
    for (const auto& item : table.as_array())
        rules.push_back(make_rule(item.as_object(), static_cast<int>(rules.size())));
    return rules;
}

}  // namespace

std::span<const std::shared_ptr<const PushRule>> default_push_rules() {
    static const auto rules = make_rules();
    return rules;
}

const PushRule* find_default_push_rule(PushRuleKind kind, std::string_view rule_id) {
    for (const auto& rule : default_push_rules()) {
        if (rule->kind == kind && rule->rule_id == rule_id) return rule.get();
    }
    return nullptr;
}

}  // namespace weft::proto
