#include "weft/storage/push_rule_store.hpp"

#include "stores/store_support.hpp"
#include "weft/core/errors.hpp"
#include "weft/proto/json.hpp"
#include "weft/proto/replication/rows.hpp"

namespace weft::storage {

using proto::replication::AccountDataRow;
using proto::replication::PushRulesRow;

namespace {

constexpr std::size_t kCacheEntries = 20'000;
/// The class of the stored actions of a default rule.
constexpr int kDefaultRuleClass = -1;
constexpr auto kIgnoredList = "m.ignored_user_list";

constexpr Sql kOfUsers{"get_push_rules", R"sql(
    SELECT user_name, rule_id, NULL, priority_class, priority, conditions, actions FROM push_rules
    WHERE user_name = ANY ($1::text[])
    UNION ALL
    SELECT user_name, rule_id, enabled, NULL, NULL, NULL, NULL FROM push_rules_enable
    WHERE user_name = ANY ($1::text[])
    UNION ALL
    SELECT user_id, NULL, NULL, NULL, NULL, content, NULL FROM account_data
    WHERE user_id = ANY ($1::text[]) AND account_data_type = $2
    ORDER BY 4 DESC NULLS LAST, 5 DESC, 2)sql"};

constexpr Sql kRelative{"push_rule_relative", R"sql(
    SELECT priority FROM push_rules WHERE user_name = $1 AND rule_id = $2 AND priority_class = $3)sql"};

constexpr Sql kHighest{"push_rule_highest",
                       "SELECT max(priority) FROM push_rules WHERE user_name = $1 AND priority_class = $2"};

constexpr Sql kMakeRoom{"push_rule_make_room", R"sql(
    UPDATE push_rules SET priority = priority + 1 WHERE user_name = $1 AND priority_class = $2 AND priority >= $3)sql"};

constexpr Sql kUpsert{"upsert_push_rule", R"sql(
    INSERT INTO push_rules (id, user_name, rule_id, priority_class, priority, conditions, actions)
    VALUES (nextval('weft_push_rule_id_seq'), $1, $2, $3, $4, $5, $6)
    ON CONFLICT (user_name, rule_id) DO UPDATE
    SET priority_class = EXCLUDED.priority_class, priority = EXCLUDED.priority, conditions = EXCLUDED.conditions,
        actions = EXCLUDED.actions)sql"};

constexpr Sql kDelete{"delete_push_rule", R"sql(
    WITH flag AS (DELETE FROM push_rules_enable WHERE user_name = $1 AND rule_id = $2)
    DELETE FROM push_rules WHERE user_name = $1 AND rule_id = $2)sql"};

constexpr Sql kEnable{"enable_push_rule", R"sql(
    INSERT INTO push_rules_enable (id, user_name, rule_id, enabled)
    VALUES (nextval('weft_push_rule_enable_id_seq'), $1, $2, $3::int)
    ON CONFLICT (user_name, rule_id) DO UPDATE SET enabled = EXCLUDED.enabled)sql"};

constexpr Sql kSetActions{"set_push_rule_actions",
                          "UPDATE push_rules SET actions = $3 WHERE user_name = $1 AND rule_id = $2"};

constexpr Sql kLog{"insert_push_rules_stream", R"sql(
    INSERT INTO push_rules_stream (stream_id, event_stream_ordering, user_id, rule_id, op, priority_class, priority,
                                   conditions, actions)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9))sql"};

constexpr Sql kUpdates{"push_rule_updates", R"sql(
    SELECT stream_id, user_id FROM push_rules_stream WHERE stream_id > $1 AND stream_id <= $2
    ORDER BY stream_id FETCH FIRST $3 ROWS WITH TIES)sql"};

core::MatrixError rule_not_found() {
    return core::MatrixError::not_found("No such push rule");
}

std::unordered_set<std::string> ignored_in(const std::string& content) {
    std::unordered_set<std::string> out;
    const auto parsed = proto::parse_json_object(content);
    const auto* const users = parsed ? proto::get_object(*parsed, "ignored_users") : nullptr;
    if (!users) return out;
    for (const auto& entry : *users) out.insert(std::string{entry.key()});
    return out;
}

void add_row(const Rows::Row& row, UserPushRules& of_user) {
    if (row[1].is_null()) {
        of_user.ignored = ignored_in(row[5].str());
    } else if (row[3].is_null()) {
        of_user.enabled.insert_or_assign(row[1].str(), row[2].opt_i64().value_or(0) != 0);
    } else {
        of_user.rules.push_back({row[1].str(), static_cast<int>(row[3].i64()), static_cast<int>(row[4].i64()),
                                 row[5].str(), row[6].str()});
    }
}

/// The priority of a new rule; makes room for it. A rule that matches before another has the greater number.
std::int64_t place(Transaction& txn, const std::string& user_id, const NewPushRule& rule) {
    const auto& neighbour = rule.before ? rule.before : rule.after;
    if (!neighbour) {
        const auto present = txn.exec(kRelative, user_id, rule.rule_id, rule.priority_class);
        if (!present.empty()) return present.front()[0].i64();
        const auto highest = txn.exec(kHighest, user_id, rule.priority_class).front()[0].opt_i64();
        return highest ? *highest + 1 : 0;
    }
    const auto rows = txn.exec(kRelative, user_id, *neighbour, rule.priority_class);
    if (rows.empty()) throw rule_not_found();
    const auto priority = rows.front()[0].i64() + (rule.before ? 1 : 0);
    txn.exec(kMakeRoom, user_id, rule.priority_class, priority);
    return priority;
}

}  // namespace

PushRuleStore::PushRuleStore(StoreContext context, StreamState& push_rules, StreamState& account_data,
                             const StreamState& events)
    : context_{std::move(context)},
      push_rules_{push_rules},
      events_{events},
      cache_{"get_push_rules_for_user", context_.scaled(kCacheEntries), context_.executor},
      changes_{"push_rules"} {
    register_cache(context_.caches, "get_push_rules_for_user", cache_);
    register_cache(context_.caches, "get_push_rules_enabled_for_user", cache_);
    push_rules_.on_invalidate([this](std::int64_t token, const StreamRows& rows) {
        for (const auto& json : rows) {
            const auto row = PushRulesRow::parse(json);
            if (!row) continue;
            cache_.invalidate(row->user_id);
            push_rules_.changes().entity_changed(row->user_id, token);
        }
    });
    account_data.on_invalidate([this](std::int64_t, const StreamRows& rows) {
        for (const auto& json : rows) {
            const auto row = AccountDataRow::parse(json);
            if (!row || row->room_id || row->data_type != kIgnoredList) continue;
            cache_.invalidate(row->user_id);
            ++ignored_lists_changed_;
        }
    });
}

Task<std::vector<std::shared_ptr<const UserPushRules>>> PushRuleStore::get_many(
    std::vector<std::string> users) {
    using Loaded = std::unordered_map<std::string, UserPushRules>;
    auto load = [this](std::vector<std::string> missing) -> Task<Loaded> {
        for (;;) {
            Loaded loaded;
            const auto before = ignored_lists_changed_;
            for (const auto row : co_await context_.db.query(kOfUsers, missing, kIgnoredList)) {
                add_row(row, loaded[row[0].str()]);
            }
            if (before == ignored_lists_changed_) co_return loaded;
        }
    };
    return storage::get_many(cache_, push_rules_, std::move(users), std::move(load));
}

Task<std::shared_ptr<const UserPushRules>> PushRuleStore::get(std::string user_id) {
    const auto rules = co_await get_many(std::vector<std::string>{std::move(user_id)});
    co_return rules.front();
}

Task<std::optional<std::int64_t>> PushRuleStore::change(std::string user_id, LogEntry entry, Change body) {
    const auto turn = co_await changes_.lock(user_id);
    auto id = push_rules_.allocate();
    const auto token = id.first();
    const auto event_token = events_.current();
    const bool changed = co_await context_.db.run("change_push_rules", [&](Transaction& txn) {
        if (!body(txn)) return false;
        const auto& rule = entry.rule;
        const auto of_rule = [&rule](auto member) {
            return rule ? std::optional{(*rule).*member} : std::nullopt;
        };
        txn.exec(kLog, token, event_token, user_id, entry.rule_id, entry.op,
                 of_rule(&StoredPushRule::priority_class), of_rule(&StoredPushRule::priority),
                 of_rule(&StoredPushRule::conditions), of_rule(&StoredPushRule::actions));
        return true;
    });
    if (!changed) co_return std::nullopt;
    push_rules_.publish(std::move(id), {{token, PushRulesRow{user_id}.to_json()}});
    co_return token;
}

Task<std::int64_t> PushRuleStore::add(std::string user_id, NewPushRule rule) {
    StoredPushRule stored{rule.rule_id, rule.priority_class, 0, rule.conditions, rule.actions};
    const auto token = co_await change(user_id, LogEntry{rule.rule_id, "ADD", stored}, [&](Transaction& txn) {
        const auto priority = place(txn, user_id, rule);
        txn.exec(kUpsert, user_id, rule.rule_id, rule.priority_class, priority, rule.conditions,
                 rule.actions);
        return true;
    });
    co_return *token;
}

Task<std::optional<std::int64_t>> PushRuleStore::remove(std::string user_id, std::string rule_id) {
    co_return co_await change(user_id, LogEntry{rule_id, "DELETE", std::nullopt}, [&](Transaction& txn) {
        return txn.exec(kDelete, user_id, rule_id).affected() > 0;
    });
}

Task<std::int64_t> PushRuleStore::set_enabled(std::string user_id, std::string rule_id, bool enabled) {
    LogEntry entry{rule_id, enabled ? "ENABLE" : "DISABLE", std::nullopt};
    const auto token = co_await change(user_id, std::move(entry), [&](Transaction& txn) {
        txn.exec(kEnable, user_id, rule_id, enabled ? 1 : 0);
        return true;
    });
    co_return *token;
}

Task<std::int64_t> PushRuleStore::set_actions(std::string user_id, std::string rule_id, std::string actions,
                                              bool is_default_rule) {
    const StoredPushRule logged{rule_id, is_default_rule ? kDefaultRuleClass : 0, 1, "[]", actions};
    const auto token = co_await change(user_id, LogEntry{rule_id, "ACTIONS", logged}, [&](Transaction& txn) {
        if (is_default_rule) {
            txn.exec(kUpsert, user_id, rule_id, kDefaultRuleClass, 1, "[]", actions);
        } else if (txn.exec(kSetActions, user_id, rule_id, actions).affected() == 0) {
            throw rule_not_found();
        }
        return true;
    });
    co_return *token;
}

Task<StreamUpdates> PushRuleStore::updates(std::int64_t from, std::int64_t to, std::size_t limit) {
    const auto rows = co_await context_.db.query(kUpdates, from, to, limit);
    co_return make_updates(rows, to, limit,
                           [](const Rows::Row& row) { return PushRulesRow{row[1].str()}.to_json(); });
}

}  // namespace weft::storage
