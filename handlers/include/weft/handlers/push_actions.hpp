#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "weft/core/task.hpp"
#include "weft/proto/event.hpp"
#include "weft/proto/power_levels.hpp"
#include "weft/proto/push_rules.hpp"
#include "weft/storage/persist_events_store.hpp"
#include "weft/storage/push_rule_store.hpp"

namespace weft::handlers {

/// The local people an event may notify: user ID → display name in the room.
using LocalAudience = std::unordered_map<std::string, std::string>;

/// Which local users an event notifies, by their push rules (client-server API, "Push Rules").
class PushActions {
public:
    explicit PushActions(storage::PushRuleStore& rules) : rules_{rules} {}

    /// `members` are the joined local users, `joined_count` all joined members. The sender is never notified,
    /// nor who ignores the sender.
    Task<std::vector<storage::PushAction>> for_event(proto::EventPtr event,
                                                     std::shared_ptr<const LocalAudience> members,
                                                     std::int64_t joined_count,
                                                     std::shared_ptr<const proto::PowerLevels> levels);

    /// All rules of a user, the defaults included.
    Task<std::shared_ptr<const proto::PushRuleset>> ruleset(std::string user_id);

private:
    std::shared_ptr<const proto::PushRuleset> prepared(
        const std::string& user_id, const std::shared_ptr<const storage::UserPushRules>& rules);

    struct Prepared {
        std::shared_ptr<const storage::UserPushRules> source;
        std::shared_ptr<const proto::PushRuleset> rules;
    };
    storage::PushRuleStore& rules_;
    std::unordered_map<std::string, Prepared> prepared_;
};

/// The actions of a row of event_push_actions, where the two usual lists are stored as "".
boost::json::array push_actions_of_row(const std::string& stored, bool highlight);

}  // namespace weft::handlers
