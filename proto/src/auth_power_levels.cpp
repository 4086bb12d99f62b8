#include <set>

#include "auth_checks.hpp"

namespace weft::proto {

namespace {

constexpr std::string_view kSingleLevels[] = {"users_default", "events_default", "state_default", "ban",
                                              "redact",        "kick",           "invite"};

class PowerLevelCheck {
public:
    PowerLevelCheck(const Event& event, const Event* current, const Event& create, std::int64_t sender_level,
                    const RoomVersion& version, const RuleNumbers& rules)
        : event_{event},
          current_{current},
          create_{create},
          sender_level_{sender_level},
          version_{version},
          rules_{rules} {}

    AuthResult run() const {
        if (version_.integer_power_levels) {
            if (auto result = check_types(); !result) return result;
        }
        if (auto result = check_users(); !result) return result;
        if (!current_) return AuthResult::allow();
        if (auto result = check_single_levels(); !result) return result;
        if (auto result = check_map("events"); !result) return result;
        if (version_.limit_notifications_power_levels) {
            if (auto result = check_map("notifications"); !result) return result;
        }
        return check_user_changes();
    }

private:
    using Level = std::optional<std::int64_t>;

    template <class... Parts>
    AuthResult reject(std::string reason, int sub_rule, Parts... parts) const {
        return AuthResult::reject(rule_number(rules_.power_levels, sub_rule, parts...), std::move(reason));
    }

    AuthResult check_types() const {
        for (const auto key : kSingleLevels) {
            const auto* value = find(event_.content(), key);
            if (value && !as_int(*value)) return reject(fmt::format("{} is not an integer", key), 1);
        }
        for (const std::string_view key : {"events", "notifications"}) {
            const auto* value = find(event_.content(), key);
            if (!value) continue;
            const auto* levels = value->if_object();
            if (!levels) return reject(fmt::format("{} is not an object", key), 2);
            for (const auto& member : *levels) {
                if (!as_int(member.value()))
                    return reject(fmt::format("a level in {} is not an integer", key), 2);
            }
        }
        return AuthResult::allow();
    }

    AuthResult check_users() const {
        const auto* value = find(event_.content(), "users");
        if (!value) return AuthResult::allow();
        const auto* users = value->if_object();
        if (!users) return reject("users is not an object", rules_.levels_users);
        for (const auto& member : *users) {
            if (!UserId::is_valid(member.key()))
                return reject("users names something that is no user id", rules_.levels_users);
            if (!parse_power_level(member.value(), version_)) {
                return reject("a level in users is not an integer", rules_.levels_users);
            }
            if (version_.privileged_creators && is_room_creator(create_, member.key())) {
                return reject("users names a creator of the room", rules_.levels_creators);
            }
        }
        return AuthResult::allow();
    }

    Level level_in(const json::object* object, std::string_view key) const {
        const auto* value = object ? find(*object, key) : nullptr;
        return value ? parse_power_level(*value, version_) : std::nullopt;
    }

    bool is_above_sender(Level level) const { return level && *level > sender_level_; }

    AuthResult check_single_levels() const {
        const int rule = rules_.levels_changes;
        for (const auto key : kSingleLevels) {
            const auto before = level_in(&current_->content(), key);
            const auto after = level_in(&event_.content(), key);
            if (before == after) continue;
            if (is_above_sender(before))
                return reject(fmt::format("{} is above the sender's level", key), rule, 1);
            if (is_above_sender(after))
                return reject(fmt::format("{} would be above the sender's level", key), rule, 2);
        }
        return AuthResult::allow();
    }

    static std::set<std::string_view> keys_of(const json::object* before, const json::object* after) {
        std::set<std::string_view> keys;
        for (const auto* object : {before, after}) {
            if (!object) continue;
            for (const auto& member : *object) keys.insert(std::string_view{member.key()});
        }
        return keys;
    }

    AuthResult check_map(std::string_view map) const {
        const auto* old_levels = get_object(current_->content(), map);
        const auto* new_levels = get_object(event_.content(), map);
        for (const auto key : keys_of(old_levels, new_levels)) {
            const auto before = level_in(old_levels, key);
            const auto after = level_in(new_levels, key);
            if (before == after) continue;
            if (is_above_sender(before)) {
                return reject(fmt::format("the level of {} is above the sender's", key),
                              rules_.levels_changes + 1, 1);
            }
            if (is_above_sender(after)) {
                return reject(fmt::format("the level of {} would be above the sender's", key),
                              rules_.levels_changes + 2, 1);
            }
        }
        return AuthResult::allow();
    }

    AuthResult check_user_changes() const {
        const auto* old_levels = get_object(current_->content(), "users");
        const auto* new_levels = get_object(event_.content(), "users");
        for (const auto user : keys_of(old_levels, new_levels)) {
            const auto before = level_in(old_levels, user);
            const auto after = level_in(new_levels, user);
            if (before == after) continue;
            const bool is_own = user == event_.sender().str();
            if (!is_own && before && *before >= sender_level_) {
                return reject("the level of another user is not below the sender's",
                              rules_.levels_changes + 3, 1);
            }
            if (is_above_sender(after)) {
                return reject("a user's level would be above the sender's", rules_.levels_changes + 4, 1);
            }
        }
        return AuthResult::allow();
    }

    const Event& event_;
    const Event* current_;
    const Event& create_;
    std::int64_t sender_level_;
    const RoomVersion& version_;
    const RuleNumbers& rules_;
};

}  // namespace

AuthResult check_power_levels(const Event& event, const Event* current, const Event& create,
                              std::int64_t sender_level, const RoomVersion& version,
                              const RuleNumbers& rules) {
    return PowerLevelCheck{event, current, create, sender_level, version, rules}.run();
}

}  // namespace weft::proto
