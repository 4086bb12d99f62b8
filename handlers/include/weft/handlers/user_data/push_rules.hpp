#pragma once

#include <optional>
#include <string>

#include <boost/json/object.hpp>

#include "weft/core/task.hpp"
#include "weft/handlers/push_actions.hpp"
#include "weft/proto/push_rules.hpp"
#include "weft/storage/push_rule_store.hpp"

namespace weft::handlers {

/// Names one rule of a user.
struct PushRuleName {
    std::string user_id;
    proto::PushRuleKind kind = proto::PushRuleKind::kOverride;
    std::string rule_id;
};

/// Push rules that users read and write (client-server API, "Push Rules: API"). Throw MatrixError:
/// M_NOT_FOUND for a rule that is not there, M_INVALID_PARAM and M_MISSING_PARAM for what cannot be a rule.
class PushRules {
public:
    PushRules(storage::PushRuleStore& store, PushActions& rulesets) : store_{store}, rulesets_{rulesets} {}

    /// `{"global": {...}}`, the defaults included.
    Task<boost::json::object> all(std::string user_id);
    Task<boost::json::object> get(PushRuleName name);
    Task<bool> is_enabled(PushRuleName name);
    Task<boost::json::array> actions(PushRuleName name);

    /// Makes or replaces a rule. `before` and `after` are IDs of the user's own rules of the same kind;
    /// M_UNKNOWN if there is no such rule.
    Task<void> put(PushRuleName name, boost::json::object body, std::optional<std::string> before,
                   std::optional<std::string> after);
    /// The server's own rules cannot be removed.
    Task<void> remove(PushRuleName name);
    Task<void> set_enabled(PushRuleName name, bool enabled);
    Task<void> set_actions(PushRuleName name, boost::json::value actions);

private:
    Task<std::shared_ptr<const proto::PushRuleset>> ruleset_with(PushRuleName name);

    storage::PushRuleStore& store_;
    PushActions& rulesets_;
};

/// The rule a client wants to make, checked. Throws MatrixError.
storage::NewPushRule checked_push_rule(proto::PushRuleKind kind, const std::string& rule_id,
                                       const boost::json::object& body);

}  // namespace weft::handlers
