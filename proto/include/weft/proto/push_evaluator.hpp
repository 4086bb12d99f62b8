#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "weft/proto/event.hpp"
#include "weft/proto/power_levels.hpp"
#include "weft/proto/push_rules.hpp"

namespace weft::proto {

/// One leaf of an event: points into the event, which must outlive it.
class EventLeaf {
public:
    explicit EventLeaf(const json::value& value) : value_{&value} {}
    explicit EventLeaf(std::string_view text) : text_{text} {}

    std::optional<std::string_view> text() const;
    /// Lower case for patterns; made on first use. Only for leaves that are text.
    const std::string& folded() const;
    bool equals(const json::value& scalar) const;
    bool contains(const json::value& scalar) const;

private:
    const json::value* value_ = nullptr;  // nullptr: text_ is the value
    std::string_view text_;
    mutable std::optional<std::string> folded_;
};

/// The leaves of an event under their dot-separated paths, `content.m\.mentions.room`. Made once for each
/// event.
class FlattenedEvent {
public:
    explicit FlattenedEvent(const Event& event);
    const EventLeaf* find(const std::string& path) const;

private:
    std::unordered_map<std::string, EventLeaf> leaves_;
};

/// What push rules ask about the room.
struct PushRoomContext {
    std::int64_t member_count = 0;  ///< joined members
    std::int64_t sender_power_level = 0;
    const PowerLevels* power_levels = nullptr;  ///< for notification levels; nullptr: the defaults
};

/// Decides for one event and many users. Answers of default rules that do not depend on the user are
/// remembered.
class PushEvaluator {
public:
    /// The event must outlive the evaluator.
    PushEvaluator(const Event& event, PushRoomContext context);

    /// Actions of the first enabled rule that matches; nullptr if none does. Valid as long as the ruleset.
    const PushActions* evaluate(const PushRuleset& rules, std::string_view display_name);

private:
    bool matches(const PushRule& rule, const PushRuleset& rules, std::string_view display_name);
    bool matches(const PushCondition& condition, std::string_view user_id,
                 std::string_view display_name) const;

    const Event& event_;
    PushRoomContext context_;
    FlattenedEvent flattened_;
    std::vector<std::optional<bool>> default_results_;
};

/// A name as it stands in a path: dots and backslashes escaped.
std::string escape_property_name(std::string_view name);
/// Glob match of the whole text (appendices, "Glob-style matching"); both already in lower case.
bool glob_matches(std::string_view pattern, std::string_view text);
/// The same for any part of the text between word boundaries.
bool glob_matches_words(std::string_view pattern, std::string_view text);
/// Whether `words` stands in the text between word boundaries; no wildcards.
bool contains_words(std::string_view words, std::string_view text);
/// Lower case for matching: ASCII, Latin-1, Greek and Cyrillic letters; the rest as it is.
std::string fold_case(std::string_view text);

}  // namespace weft::proto
