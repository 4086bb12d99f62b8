#include "weft/handlers/push_actions.hpp"

#include "weft/proto/event_types.hpp"
#include "weft/proto/push_evaluator.hpp"

namespace weft::handlers {
namespace {

constexpr std::size_t kPreparedMax = 100'000;

/// The two lists of actions that nearly every row has are stored as '' (schema-notes §4).
const std::string kNotify = R"(["notify",{"set_tweak":"highlight","value":false}])";
const std::string kHighlight = R"(["notify",{"set_tweak":"sound","value":"default"},{"set_tweak":"highlight"}])";

std::string stored_actions(const proto::PushActions& actions) {
    auto text = proto::to_json(proto::json::value(actions.source));
    return text == (actions.highlight ? kHighlight : kNotify) ? std::string{} : text;
}

}  // namespace

boost::json::array push_actions_of_row(const std::string& stored, bool highlight) {
    const auto parsed = proto::parse_json(stored.empty() ? (highlight ? kHighlight : kNotify) : stored);
    const auto* actions = parsed ? parsed->if_array() : nullptr;
    return actions ? *actions : boost::json::array{"notify"};
}

std::shared_ptr<const proto::PushRuleset> PushActions::prepared(const std::string& user_id,
                                                                const std::shared_ptr<const storage::UserPushRules>& rules) {
    if (const auto found = prepared_.find(user_id); found != prepared_.end() && found->second.source == rules) return found->second.rules;
    std::vector<proto::StoredPushRule> stored;
    for (const auto& rule : rules->rules) stored.push_back({rule.rule_id, rule.priority_class, rule.priority, rule.conditions, rule.actions});
    const std::unordered_map<std::string, bool> enabled(rules->enabled.begin(), rules->enabled.end());
    auto ruleset = std::make_shared<const proto::PushRuleset>(user_id, std::move(stored), enabled);
    if (prepared_.size() >= kPreparedMax) prepared_.clear();
    prepared_.insert_or_assign(user_id, Prepared{rules, ruleset});
    return ruleset;
}

Task<std::shared_ptr<const proto::PushRuleset>> PushActions::ruleset(std::string user_id) {
    const auto rules = co_await rules_.get(user_id);
    co_return prepared(user_id, rules);
}

Task<std::vector<storage::PushAction>> PushActions::for_event(proto::EventPtr event, std::shared_ptr<const LocalAudience> members,
                                                              std::int64_t joined_count,
                                                              std::shared_ptr<const proto::PowerLevels> levels) {
    std::vector<storage::PushAction> out;
    std::vector<std::string> users;
    users.reserve(members->size());
    for (const auto& [user_id, name] : *members) {
        if (user_id != event->sender().str()) users.push_back(user_id);
    }
    if (users.empty()) co_return out;
    const auto rules = co_await rules_.get_many(users);

    proto::PushRoomContext context;
    context.member_count = joined_count;
    context.sender_power_level = levels->user_level(event->sender().str());
    context.power_levels = levels.get();
    proto::PushEvaluator evaluator{*event, context};
    for (std::size_t i = 0; i < users.size(); ++i) {
        if (!rules[i]->ignored.empty() && rules[i]->ignored.contains(event->sender().str())) continue;
        const auto ruleset = prepared(users[i], rules[i]);
        const auto* actions = evaluator.evaluate(*ruleset, members->at(users[i]));
        if (!actions || !actions->notify) continue;
        out.push_back({users[i], stored_actions(*actions), true, actions->highlight});
    }
    co_return out;
}

}  // namespace weft::handlers
