#include "weft/proto/push_rules.hpp"

namespace weft::proto {

namespace {

core::ParseError error(std::string text) {
    return core::ParseError{std::move(text)};
}

json::array one_condition(std::string_view key, std::string_view pattern) {
    return json::array{json::object{{"kind", "event_match"}, {"key", key}, {"pattern", pattern}}};
}

/// The conditions column: given by the client, or what the kind of the rule implies.
core::Result<json::array> conditions_of(PushRuleKind kind, std::string_view rule_id,
                                        const json::object& body) {
    switch (kind) {
        case PushRuleKind::kRoom:
            return one_condition("room_id", rule_id);
        case PushRuleKind::kSender:
            return one_condition("user_id", rule_id);
        case PushRuleKind::kContent: {
            const auto pattern = get_string(body, "pattern");
            if (!pattern) return error("content rule has no pattern");
            return one_condition("content.body", *pattern);
        }
        default:
            break;
    }
    const auto* value = find(body, "conditions");
    if (!value) return json::array{};
    const auto* conditions = value->if_array();
    if (!conditions) return error("conditions is not a list");
    for (const auto& item : *conditions) {
        const auto* object = item.if_object();
        if (!object || !get_string(*object, "kind")) return error("a condition has no kind");
    }
    return *conditions;
}

}  // namespace

core::Result<void> check_push_actions(const json::value& actions) {
    const auto* list = actions.if_array();
    if (!list) return error("actions is not a list");
    for (const auto& action : *list) {
        if (const auto* text = action.if_string()) {
            if (*text == "notify" || *text == "dont_notify" || *text == "coalesce") continue;
            return error("action is not known: " + std::string{*text});
        }
        const auto* tweak = action.if_object();
        if (!tweak || !get_string(*tweak, "set_tweak"))
            return error("an action is neither a name nor a set_tweak");
    }
    return {};
}

core::Result<StoredPushRule> make_stored_push_rule(PushRuleKind kind, std::string_view rule_id,
                                                   const json::object& body) {
    if (rule_id.empty()) return error("rule id is empty");
    if (rule_id.starts_with('.')) return error("rule ids that start with a dot are the server's own");
    if (rule_id.find('/') != std::string_view::npos || rule_id.find('\\') != std::string_view::npos) {
        return error("rule id holds a slash or backslash");
    }
    const auto* actions = find(body, "actions");
    if (!actions) return error("actions is missing");
    if (auto checked = check_push_actions(*actions); !checked) return checked.error();
    auto conditions = conditions_of(kind, rule_id, body);
    if (!conditions) return conditions.error();
    StoredPushRule row;
    row.rule_id = stored_rule_id(kind, rule_id);
    row.priority_class = priority_class_of(kind);
    row.conditions_json = to_json(json::value(std::move(*conditions)));
    row.actions_json = to_json(*actions);
    return row;
}

}  // namespace weft::proto
