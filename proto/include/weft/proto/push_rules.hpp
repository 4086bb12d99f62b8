#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "weft/proto/json.hpp"

namespace weft::proto {

/// In the order they are looked at.
enum class PushRuleKind { kOverride, kContent, kRoom, kSender, kUnderride };
std::string_view to_string(PushRuleKind kind);
std::optional<PushRuleKind> parse_push_rule_kind(std::string_view text);

/// `priority_class` of the push_rules table: 5 override to 1 underride.
int priority_class_of(PushRuleKind kind);
/// -1 in the table: changed actions of a default rule, which keeps its place.
inline constexpr int kDefaultRuleActionsClass = -1;
/// "global/<kind>/<rule id>", as the tables name a rule.
std::string stored_rule_id(PushRuleKind kind, std::string_view rule_id);

enum class PushConditionKind {
    kEventMatch,
    kEventPropertyIs,
    kEventPropertyContains,
    kContainsDisplayName,
    kRoomMemberCount,
    kSenderNotificationPermission,
    kUnknown,  ///< never matches
};

/// One condition, prepared for evaluation.
struct PushCondition {
    PushConditionKind kind = PushConditionKind::kUnknown;
    json::object source;  ///< as the client gave it
    std::string key;
    std::string pattern;            ///< event_match: lower case
    json::value value;              ///< event_property_*
    bool value_is_user_id = false;  ///< default rules: pattern or value is the id of the rule's owner
    char comparison = '=';          ///< room_member_count: '=', '<', '>', 'l' (<=), 'g' (>=)
    std::int64_t count = -1;

    static PushCondition parse(const json::object& source);
};

struct PushActions {
    json::array source;  ///< without the historical dont_notify and coalesce
    json::array given;   ///< what the owner is shown: as it was set
    bool notify = false;
    bool highlight = false;

    static PushActions parse(const json::array& actions);
};

struct PushRule {
    PushRuleKind kind = PushRuleKind::kOverride;
    std::string rule_id;
    bool is_default = false;
    bool enabled_by_default = true;
    int default_index = -1;  ///< place in default_push_rules(), for remembering results
    std::vector<PushCondition> conditions;
    std::string pattern;  ///< content rules, as given
    PushActions actions;

    /// The answer depends on whose rule it is, not only on event and room.
    bool depends_on_user() const;
    /// The rule as GET /pushrules shows it.
    json::object to_json(bool enabled, const PushActions& shown_actions, std::string_view user_id) const;
};

/// The server's own rules (client-server API, "Predefined Rules"), in order of evaluation.
std::span<const std::shared_ptr<const PushRule>> default_push_rules();
const PushRule* find_default_push_rule(PushRuleKind kind, std::string_view rule_id);

/// A row of the push_rules table.
struct StoredPushRule {
    std::string rule_id;  ///< "global/<kind>/<id>"
    int priority_class = 0;
    int priority = 0;
    std::string conditions_json;
    std::string actions_json;
};

/// The row for a rule that a client sets (PUT /pushrules): checks actions, conditions and pattern. `priority`
/// is the store's business. Errors are for M_INVALID_PARAM or M_BAD_JSON.
core::Result<StoredPushRule> make_stored_push_rule(PushRuleKind kind, std::string_view rule_id,
                                                   const json::object& body);
/// Whether this is a list of actions a rule may have.
core::Result<void> check_push_actions(const json::value& actions);

/// All rules of one user, in order of evaluation: the defaults, changed and joined by what the tables hold.
/// Immutable.
class PushRuleset {
public:
    struct Entry {
        std::shared_ptr<const PushRule> rule;
        bool enabled;
        std::shared_ptr<const PushActions> changed_actions;  ///< nullptr: those of the rule
        const PushActions& actions() const { return changed_actions ? *changed_actions : rule->actions; }
    };

    /// `enabled` maps "global/<kind>/<id>" to the flag of the push_rules_enable table. Rows that make no
    /// sense are skipped.
    PushRuleset(std::string user_id, std::vector<StoredPushRule> rules,
                const std::unordered_map<std::string, bool>& enabled);

    const std::string& user_id() const noexcept { return user_id_; }
    const std::vector<Entry>& entries() const noexcept { return entries_; }
    const Entry* find(PushRuleKind kind, std::string_view rule_id) const;
    /// `{"global": {"override": [...], ...}}`, the content of m.push_rules.
    json::object to_json() const;
    json::object entry_to_json(const Entry& entry) const;

private:
    std::string user_id_;
    std::vector<Entry> entries_;
};

}  // namespace weft::proto
