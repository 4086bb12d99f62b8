#include "weft/handlers/user_data/push_rules.hpp"

#include <fmt/format.h>

#include "user_data/user_names.hpp"
#include "weft/core/errors.hpp"
#include "weft/proto/json.hpp"

namespace weft::handlers {

namespace json = boost::json;
using core::MatrixError;
using proto::PushRuleKind;

namespace {

MatrixError no_such_rule() {
    return MatrixError::not_found("The push rule was not found.");
}

/// Only the server's own rules begin with a dot.
bool is_reserved(const std::string& rule_id) {
    return rule_id.starts_with('.');
}

}  // namespace

storage::NewPushRule checked_push_rule(PushRuleKind kind, const std::string& rule_id,
                                       const json::object& body) {
    check_name("The rule ID", rule_id);
    if (!body.contains("actions")) throw MatrixError::missing_param("Missing 'actions'");
    if (kind == PushRuleKind::kContent && !body.contains("pattern")) {
        throw MatrixError::missing_param("Content rules need a 'pattern'");
    }
    auto stored = proto::make_stored_push_rule(kind, rule_id, body);
    if (!stored) throw MatrixError::invalid_param(stored.error().message);
    storage::NewPushRule rule;
    rule.rule_id = std::move(stored->rule_id);
    rule.priority_class = stored->priority_class;
    rule.conditions = std::move(stored->conditions_json);
    rule.actions = std::move(stored->actions_json);
    return rule;
}

Task<std::shared_ptr<const proto::PushRuleset>> PushRules::ruleset_with(PushRuleName name) {
    auto rules = co_await rulesets_.ruleset(std::move(name.user_id));
    if (!rules->find(name.kind, name.rule_id)) throw no_such_rule();
    co_return rules;
}

Task<json::object> PushRules::all(std::string user_id) {
    const auto rules = co_await rulesets_.ruleset(std::move(user_id));
    co_return rules->to_json();
}

Task<json::object> PushRules::get(PushRuleName name) {
    const auto rules = co_await ruleset_with(name);
    co_return rules->entry_to_json(*rules->find(name.kind, name.rule_id));
}

Task<bool> PushRules::is_enabled(PushRuleName name) {
    const auto rules = co_await ruleset_with(name);
    co_return rules->find(name.kind, name.rule_id)->enabled;
}

Task<json::array> PushRules::actions(PushRuleName name) {
    const auto rules = co_await ruleset_with(name);
    co_return rules->find(name.kind, name.rule_id)->actions().given;
}

Task<void> PushRules::put(PushRuleName name, json::object body, std::optional<std::string> before,
                          std::optional<std::string> after) {
    auto rule = checked_push_rule(name.kind, name.rule_id, body);
    // Next to which it stands; `before` has the say if both are given.
    const auto neighbour = before ? before : after;
    if (neighbour) {
        const auto rules = co_await rulesets_.ruleset(name.user_id);
        if (is_reserved(*neighbour) || !rules->find(name.kind, *neighbour)) {
            throw MatrixError::unknown(fmt::format("before/after rule not found: {}", *neighbour));
        }
    }
    if (before) {
        rule.before = proto::stored_rule_id(name.kind, *before);
    } else if (after) {
        rule.after = proto::stored_rule_id(name.kind, *after);
    }
    co_await store_.add(std::move(name.user_id), std::move(rule));
}

Task<void> PushRules::remove(PushRuleName name) {
    check_name("The rule ID", name.rule_id);
    if (is_reserved(name.rule_id)) throw no_such_rule();
    auto rule_id = proto::stored_rule_id(name.kind, name.rule_id);
    if (!co_await store_.remove(std::move(name.user_id), std::move(rule_id))) throw no_such_rule();
}

Task<void> PushRules::set_enabled(PushRuleName name, bool enabled) {
    co_await ruleset_with(name);
    auto rule_id = proto::stored_rule_id(name.kind, name.rule_id);
    co_await store_.set_enabled(std::move(name.user_id), std::move(rule_id), enabled);
}

Task<void> PushRules::set_actions(PushRuleName name, json::value actions) {
    if (auto checked = proto::check_push_actions(actions); !checked) {
        throw MatrixError::invalid_param(checked.error().message);
    }
    const auto rules = co_await ruleset_with(name);
    const bool is_default = rules->find(name.kind, name.rule_id)->rule->is_default;
    auto rule_id = proto::stored_rule_id(name.kind, name.rule_id);
    co_await store_.set_actions(std::move(name.user_id), std::move(rule_id), proto::to_json(actions),
                                is_default);
}

}  // namespace weft::handlers
