#include "weft/proto/push_evaluator.hpp"

#include "weft/proto/event_types.hpp"

namespace weft::proto {

namespace {

/// A scalar of JSON, with the two kinds of integers made one.
bool same_scalar(const json::value& a, const json::value& b) {
    if (const auto number = as_int(a)) return number == as_int(b);
    if (a.is_string()) return b.is_string() && a.get_string() == b.get_string();
    if (a.is_bool()) return b.is_bool() && a.get_bool() == b.get_bool();
    return a.is_null() && b.is_null();
}

bool compare_count(std::int64_t count, char comparison, std::int64_t wanted) {
    switch (comparison) {
        case '<':
            return count < wanted;
        case '>':
            return count > wanted;
        case 'l':
            return count <= wanted;
        case 'g':
            return count >= wanted;
        default:
            return count == wanted;
    }
}

const std::string kBodyPath = "content.body";

}  // namespace

std::optional<std::string_view> EventLeaf::text() const {
    if (!value_) return text_;
    if (const auto* text = value_->if_string()) return std::string_view{*text};
    return std::nullopt;
}

const std::string& EventLeaf::folded() const {
    if (!folded_) folded_ = fold_case(text().value_or(""));
    return *folded_;
}

bool EventLeaf::equals(const json::value& scalar) const {
    if (value_) return same_scalar(*value_, scalar);
    return scalar.is_string() && std::string_view{scalar.get_string()} == text_;
}

bool EventLeaf::contains(const json::value& scalar) const {
    const auto* list = value_ ? value_->if_array() : nullptr;
    if (!list) return false;
    for (const auto& item : *list) {
        if (same_scalar(item, scalar)) return true;
    }
    return false;
}

FlattenedEvent::FlattenedEvent(const Event& event) {
    leaves_.emplace("type", EventLeaf{event.type()});
    leaves_.emplace("sender", EventLeaf{event.sender().str()});
    leaves_.emplace("room_id", EventLeaf{event.room_id().str()});
    leaves_.emplace("event_id", EventLeaf{event.event_id().str()});
    if (event.state_key()) leaves_.emplace("state_key", EventLeaf{*event.state_key()});
    if (event.redacts()) leaves_.emplace("redacts", EventLeaf{event.redacts()->str()});

    std::vector<std::pair<std::string, const json::object*>> pending{{"content.", &event.content()}};
    while (!pending.empty()) {
        const auto [prefix, object] = std::move(pending.back());
        pending.pop_back();
        for (const auto& member : *object) {
            auto path = prefix + escape_property_name(member.key());
            if (const auto* inner = member.value().if_object()) {
                pending.emplace_back(std::move(path) + '.', inner);
            } else {
                leaves_.emplace(std::move(path), EventLeaf{member.value()});
            }
        }
    }
}

const EventLeaf* FlattenedEvent::find(const std::string& path) const {
    const auto found = leaves_.find(path);
    return found == leaves_.end() ? nullptr : &found->second;
}

PushEvaluator::PushEvaluator(const Event& event, PushRoomContext context)
    : event_{event}, context_{context}, flattened_{event}, default_results_(default_push_rules().size()) {}

const PushActions* PushEvaluator::evaluate(const PushRuleset& rules, std::string_view display_name) {
    for (const auto& entry : rules.entries()) {
        if (entry.enabled && matches(*entry.rule, rules, display_name)) return &entry.actions();
    }
    return nullptr;
}

bool PushEvaluator::matches(const PushRule& rule, const PushRuleset& rules, std::string_view display_name) {
    if (rule.kind == PushRuleKind::kRoom) return rule.rule_id == event_.room_id().str();
    if (rule.kind == PushRuleKind::kSender) return rule.rule_id == event_.sender().str();
    const auto all_hold = [&] {
        for (const auto& condition : rule.conditions) {
            if (!matches(condition, rules.user_id(), display_name)) return false;
        }
        return true;
    };
    if (rule.default_index < 0 || rule.depends_on_user()) return all_hold();
    auto& remembered = default_results_[static_cast<std::size_t>(rule.default_index)];
    if (!remembered) remembered = all_hold();
    return *remembered;
}

bool PushEvaluator::matches(const PushCondition& condition, std::string_view user_id,
                            std::string_view display_name) const {
    switch (condition.kind) {
        case PushConditionKind::kEventMatch: {
            const auto* leaf = flattened_.find(condition.key);
            if (!leaf || !leaf->text()) return false;
            if (condition.value_is_user_id) return leaf->text() == user_id;
            if (condition.key == kBodyPath) return glob_matches_words(condition.pattern, leaf->folded());
            return glob_matches(condition.pattern, leaf->folded());
        }
        case PushConditionKind::kEventPropertyIs: {
            const auto* leaf = flattened_.find(condition.key);
            return leaf && leaf->equals(condition.value);
        }
        case PushConditionKind::kEventPropertyContains: {
            const auto* leaf = flattened_.find(condition.key);
            return leaf &&
                   leaf->contains(condition.value_is_user_id ? json::value(user_id) : condition.value);
        }
        case PushConditionKind::kContainsDisplayName: {
            const auto* leaf = flattened_.find(kBodyPath);
            return leaf && leaf->text() && !display_name.empty() &&
                   contains_words(fold_case(display_name), leaf->folded());
        }
        case PushConditionKind::kRoomMemberCount:
            return compare_count(context_.member_count, condition.comparison, condition.count);
        case PushConditionKind::kSenderNotificationPermission: {
            static constexpr std::int64_t kDefaultLevel = 50;
            const auto needed = context_.power_levels
                                    ? context_.power_levels->notification_level(condition.key)
                                    : kDefaultLevel;
            return context_.sender_power_level >= needed;
        }
        case PushConditionKind::kUnknown:
            return false;
    }
    return false;
}

}  // namespace weft::proto
