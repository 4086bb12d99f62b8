#include "weft/proto/push_rules.hpp"

#include <algorithm>
#include <charconv>

#include "weft/proto/push_evaluator.hpp"

namespace weft::proto {

namespace {

constexpr std::array<std::string_view, 5> kKindNames = {"override", "content", "room", "sender", "underride"};
constexpr std::string_view kScope = "global/";

struct StoredName {
    PushRuleKind kind;
    std::string_view rule_id;
};

/// "global/<kind>/<id>"; the id may hold slashes.
std::optional<StoredName> split_stored_rule_id(std::string_view stored) {
    if (!stored.starts_with(kScope)) return std::nullopt;
    stored.remove_prefix(kScope.size());
    const auto slash = stored.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto kind = parse_push_rule_kind(stored.substr(0, slash));
    if (!kind) return std::nullopt;
    return StoredName{*kind, stored.substr(slash + 1)};
}

void parse_member_count(PushCondition& condition, std::string_view is) {
    static constexpr std::pair<std::string_view, char> kPrefixes[] = {
        {"==", '='}, {"<=", 'l'}, {">=", 'g'}, {"<", '<'}, {">", '>'}};
    for (const auto& [prefix, comparison] : kPrefixes) {
        if (!is.starts_with(prefix)) continue;
        condition.comparison = comparison;
        is.remove_prefix(prefix.size());
        break;
    }
    const auto [end, failure] = std::from_chars(is.data(), is.data() + is.size(), condition.count);
    if (failure != std::errc{} || end != is.data() + is.size()) condition.kind = PushConditionKind::kUnknown;
}

bool is_scalar(const json::value& value) {
    return value.is_string() || value.is_bool() || value.is_null() || value.is_int64() || value.is_uint64();
}

std::shared_ptr<const PushRule> parse_stored_rule(const StoredPushRule& row) {
    const auto name = split_stored_rule_id(row.rule_id);
    const auto actions = parse_json(row.actions_json);
    if (!name || !actions || !actions->is_array()) return nullptr;
    auto rule = std::make_shared<PushRule>();
    rule->kind = name->kind;
    rule->rule_id = name->rule_id;
    rule->actions = PushActions::parse(actions->get_array());
    // Room and sender rules are told by their id; their stored conditions only repeat it.
    if (rule->kind == PushRuleKind::kRoom || rule->kind == PushRuleKind::kSender) return rule;
    const auto conditions = parse_json(row.conditions_json);
    if (!conditions || !conditions->is_array()) return nullptr;
    for (const auto& item : conditions->get_array()) {
        const auto* object = item.if_object();
        rule->conditions.push_back(object ? PushCondition::parse(*object) : PushCondition{});
    }
    if (rule->kind == PushRuleKind::kContent) {
        if (rule->conditions.size() != 1) return nullptr;
        rule->pattern = get_string(rule->conditions.front().source, "pattern").value_or("");
    }
    return rule;
}

}  // namespace

std::string_view to_string(PushRuleKind kind) {
    return kKindNames[static_cast<std::size_t>(kind)];
}

std::optional<PushRuleKind> parse_push_rule_kind(std::string_view text) {
    const auto found = std::ranges::find(kKindNames, text);
    if (found == kKindNames.end()) return std::nullopt;
    return static_cast<PushRuleKind>(found - kKindNames.begin());
}

int priority_class_of(PushRuleKind kind) {
    // The table counts the other way, and sender and room rules have numbers of their own.
    static constexpr std::array<int, 5> kClasses = {5, 4, 3, 2, 1};
    return kClasses[static_cast<std::size_t>(kind)];
}

std::string stored_rule_id(PushRuleKind kind, std::string_view rule_id) {
    return fmt::format("{}{}/{}", kScope, to_string(kind), rule_id);
}

PushCondition PushCondition::parse(const json::object& source) {
    PushCondition condition;
    condition.source = source;
    condition.key = get_string(source, "key").value_or("");
    const auto kind = get_string(source, "kind").value_or("");
    if (kind == "event_match") {
        const auto pattern = get_string(source, "pattern");
        if (!pattern || condition.key.empty()) return condition;
        condition.pattern = fold_case(*pattern);
        condition.kind = PushConditionKind::kEventMatch;
    } else if (kind == "event_property_is" || kind == "event_property_contains") {
        const auto* value = find(source, "value");
        if (!value || !is_scalar(*value) || condition.key.empty()) return condition;
        condition.value = *value;
        condition.kind = kind == "event_property_is" ? PushConditionKind::kEventPropertyIs
                                                     : PushConditionKind::kEventPropertyContains;
    } else if (kind == "contains_display_name") {
        condition.kind = PushConditionKind::kContainsDisplayName;
    } else if (kind == "room_member_count") {
        condition.kind = PushConditionKind::kRoomMemberCount;
        parse_member_count(condition, get_string(source, "is").value_or(""));
    } else if (kind == "sender_notification_permission" && !condition.key.empty()) {
        condition.kind = PushConditionKind::kSenderNotificationPermission;
    }
    return condition;
}

PushActions PushActions::parse(const json::array& actions) {
    PushActions out;
    out.given = actions;
    for (const auto& action : actions) {
        if (const auto* text = action.if_string()) {
            if (*text == "dont_notify" || *text == "coalesce") continue;  // historical: must be ignored
            out.notify = out.notify || *text == "notify";
        } else if (const auto* tweak = action.if_object();
                   tweak && get_string(*tweak, "set_tweak") == "highlight") {
            const auto* value = find(*tweak, "value");
            out.highlight = !value || !value->is_bool() || value->get_bool();
        }
        out.source.push_back(action);
    }
    return out;
}

bool PushRule::depends_on_user() const {
    return !is_default || std::ranges::any_of(conditions, [](const PushCondition& condition) {
        return condition.value_is_user_id || condition.kind == PushConditionKind::kContainsDisplayName;
    });
}

json::object PushRule::to_json(bool enabled, const PushActions& shown_actions,
                               std::string_view user_id) const {
    json::object out;
    out["rule_id"] = rule_id;
    out["default"] = is_default;
    out["enabled"] = enabled;
    if (kind == PushRuleKind::kContent) out["pattern"] = pattern;
    if (kind == PushRuleKind::kOverride || kind == PushRuleKind::kUnderride) {
        json::array shown;
        for (const auto& condition : conditions) {
            auto object = condition.source;
            if (condition.value_is_user_id) {
                object[condition.kind == PushConditionKind::kEventMatch ? "pattern" : "value"] = user_id;
            }
            shown.push_back(std::move(object));
        }
        out["conditions"] = std::move(shown);
    }
    out["actions"] = shown_actions.given;
    return out;
}

PushRuleset::PushRuleset(std::string user_id, std::vector<StoredPushRule> rules,
                         const std::unordered_map<std::string, bool>& enabled)
    : user_id_{std::move(user_id)} {
    std::ranges::sort(rules, [](const StoredPushRule& a, const StoredPushRule& b) {
        if (a.priority_class != b.priority_class) return a.priority_class > b.priority_class;
        return a.priority > b.priority;
    });
    std::unordered_map<std::string_view, std::shared_ptr<const PushActions>> changed;
    for (const auto& row : rules) {
        if (row.priority_class != kDefaultRuleActionsClass) continue;
        const auto actions = parse_json(row.actions_json);
        if (actions && actions->is_array()) {
            changed.emplace(row.rule_id,
                            std::make_shared<PushActions>(PushActions::parse(actions->get_array())));
        }
    }
    const auto is_enabled = [&enabled](const PushRule& rule) {
        const auto found = enabled.find(stored_rule_id(rule.kind, rule.rule_id));
        return found == enabled.end() ? rule.enabled_by_default : found->second;
    };
    const auto add_default = [&](const std::shared_ptr<const PushRule>& rule) {
        const auto found = changed.find(stored_rule_id(rule->kind, rule->rule_id));
        entries_.push_back({rule, is_enabled(*rule), found == changed.end() ? nullptr : found->second});
    };
    // In each kind the user's rules come first; only .m.rule.master stands before all.
    const auto defaults = default_push_rules();
    add_default(defaults.front());
    for (const auto kind : {PushRuleKind::kOverride, PushRuleKind::kContent, PushRuleKind::kRoom,
                            PushRuleKind::kSender, PushRuleKind::kUnderride}) {
        for (const auto& row : rules) {
            if (row.priority_class != priority_class_of(kind)) continue;
            auto rule = parse_stored_rule(row);
            if (rule && rule->kind == kind) entries_.push_back({rule, is_enabled(*rule), nullptr});
        }
        for (const auto& rule : defaults.subspan(1)) {
            if (rule->kind == kind) add_default(rule);
        }
    }
}

const PushRuleset::Entry* PushRuleset::find(PushRuleKind kind, std::string_view rule_id) const {
    for (const auto& entry : entries_) {
        if (entry.rule->kind == kind && entry.rule->rule_id == rule_id) return &entry;
    }
    return nullptr;
}

json::object PushRuleset::entry_to_json(const Entry& entry) const {
    return entry.rule->to_json(entry.enabled, entry.actions(), user_id_);
}

json::object PushRuleset::to_json() const {
    json::object global;
    for (const auto name : kKindNames) global[name] = json::array{};
    for (const auto& entry : entries_) {
        global[to_string(entry.rule->kind)].get_array().push_back(entry_to_json(entry));
    }
    return json::object{{"global", std::move(global)}};
}

}  // namespace weft::proto
