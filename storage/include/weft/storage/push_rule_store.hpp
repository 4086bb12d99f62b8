#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "weft/core/cache.hpp"
#include "weft/core/linearizer.hpp"
#include "weft/storage/store_context.hpp"
#include "weft/storage/stream_updates.hpp"

namespace weft::storage {

/// A rule the user has made or changed. `priority_class`: 1 underride, 2 sender, 3 room, 4 content, 5
/// override; -1 holds the actions of a changed default rule, whose place is the default's.
struct StoredPushRule {
    std::string rule_id;  // global/<kind>/<id>
    int priority_class = 0;
    int priority = 0;
    std::string conditions;  // JSON array
    std::string actions;     // JSON array
};

/// What differs from the default rules for one user.
struct UserPushRules {
    std::vector<StoredPushRule> rules;    // priority class and priority, both descending
    std::map<std::string, bool> enabled;  // rule ID -> explicit flag, also of default rules
    /// Users whose events never notify this one (m.ignored_user_list).
    std::unordered_set<std::string> ignored;
};

struct NewPushRule {
    std::string rule_id;
    int priority_class = 0;
    std::string conditions;
    std::string actions;
    /// Rule IDs (global/<kind>/<id>) to stand next to; neither: a new rule is the most important of its
    /// class, one that is there keeps its place.
    std::optional<std::string> before;
    std::optional<std::string> after;
};

/// Push rules. Stream `push_rules`, row: [user]. Caches: get_push_rules_for_user,
/// get_push_rules_enabled_for_user. Writing: the writer of push_rules only.
class PushRuleStore {
public:
    /// `account_data` says when a user ignores others; `events` gives the position that changes are ordered
    /// against.
    PushRuleStore(StoreContext context, StreamState& push_rules, StreamState& account_data,
                  const StreamState& events);

    Task<std::shared_ptr<const UserPushRules>> get(std::string user_id);
    /// In the order of `users`; what is not cached is loaded in one query.
    Task<std::vector<std::shared_ptr<const UserPushRules>>> get_many(std::vector<std::string> users);

    /// Adds or replaces a rule. Throws MatrixError 404 if the rule named by before or after does not exist
    /// (in the same class). Returns the token.
    Task<std::int64_t> add(std::string user_id, NewPushRule rule);
    /// Nothing is returned if there was no such rule.
    Task<std::optional<std::int64_t>> remove(std::string user_id, std::string rule_id);
    Task<std::int64_t> set_enabled(std::string user_id, std::string rule_id, bool enabled);
    /// Throws MatrixError 404 if it is neither a default rule (`is_default_rule`) nor one of the user's.
    Task<std::int64_t> set_actions(std::string user_id, std::string rule_id, std::string actions,
                                   bool is_default_rule);

    Task<StreamUpdates> updates(std::int64_t from, std::int64_t to, std::size_t limit);
    StreamState& stream() { return push_rules_; }

private:
    /// What a change leaves in the log (push_rules_stream).
    struct LogEntry {
        std::string rule_id;
        const char* op;
        std::optional<StoredPushRule> rule;
    };
    using Change = std::function<bool(Transaction&)>;
    Task<std::optional<std::int64_t>> change(std::string user_id, LogEntry entry, Change body);

    StoreContext context_;
    StreamState& push_rules_;
    const StreamState& events_;
    core::Cache<std::string, UserPushRules> cache_;
    std::uint64_t ignored_lists_changed_ = 0;
    core::Linearizer changes_;  // by user: a new rule's place depends on the others
};

}  // namespace weft::storage
