#include "weft/proto/filter.hpp"

#include <algorithm>

namespace weft::proto {

namespace {

using Names = std::vector<std::string>;

bool contains(const Names& names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
}

bool any_wildcard_matches(const Names& patterns, std::string_view text) {
    return std::ranges::any_of(
        patterns, [text](const std::string& pattern) { return wildcard_matches(pattern, text); });
}

/// Exclusions win over inclusions; an absent inclusion list admits all.
template <class Matches>
bool admits(const std::optional<Names>& wanted, const Names& unwanted, std::string_view name,
            Matches matches) {
    return !matches(unwanted, name) && (!wanted || matches(*wanted, name));
}

bool is_empty_list(const std::optional<Names>& names) {
    return names && names->empty();
}

}  // namespace

bool wildcard_matches(std::string_view pattern, std::string_view text) {
    if (pattern.find('*') == std::string_view::npos) return pattern == text;
    std::size_t p = 0, t = 0, star_text = 0;
    std::size_t star = std::string_view::npos;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            star_text = t;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++star_text;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

bool EventFilter::matches_type(std::string_view type) const {
    return admits(types, not_types, type, any_wildcard_matches);
}
bool EventFilter::matches_sender(std::string_view sender) const {
    return admits(senders, not_senders, sender, contains);
}
bool EventFilter::matches_room(std::string_view room_id) const {
    return admits(rooms, not_rooms, room_id, contains);
}

bool EventFilter::matches(const Event& event) const {
    return matches_type(event.type()) && matches_sender(event.sender()) && matches_room(event.room_id()) &&
           (!contains_url || *contains_url == event.contains_url());
}

bool EventFilter::matches(std::string_view type, std::optional<std::string_view> sender) const {
    return matches_type(type) && (!sender || matches_sender(*sender));
}

bool EventFilter::admits_nothing() const {
    return is_empty_list(types) || is_empty_list(senders) || is_empty_list(rooms);
}

bool EventFilter::admits_everything() const {
    return !types && not_types.empty() && !senders && not_senders.empty() && !rooms && not_rooms.empty() &&
           !contains_url;
}

std::int64_t EventFilter::limit_or(std::int64_t fallback, std::int64_t limit_max) const {
    return std::clamp<std::int64_t>(limit.value_or(fallback), 0, limit_max);
}

bool FilterDefinition::matches_room(std::string_view room_id) const {
    return admits(room.rooms, room.not_rooms, room_id, contains);
}

std::vector<std::string> split_property_path(std::string_view path) {
    std::vector<std::string> names(1);
    for (std::size_t i = 0; i < path.size(); ++i) {
        const bool escapes =
            path[i] == '\\' && i + 1 < path.size() && (path[i + 1] == '.' || path[i + 1] == '\\');
        if (escapes) {
            names.back() += path[++i];
        } else if (path[i] == '.') {
            names.emplace_back();
        } else {
            names.back() += path[i];
        }
    }
    return names;
}

json::object only_fields(const json::object& event, std::span<const std::string> fields) {
    if (fields.empty()) return event;
    json::object out;
    for (const auto& field : fields) {
        const auto path = split_property_path(field);
        const json::object* source = &event;
        for (std::size_t i = 0; source && i + 1 < path.size(); ++i) source = get_object(*source, path[i]);
        const auto* value = source ? find(*source, path.back()) : nullptr;
        if (!value) continue;
        json::object* target = &out;
        for (std::size_t i = 0; i + 1 < path.size(); ++i) {
            auto& next = (*target)[path[i]];
            // A shorter path may have brought the whole object already.
            if (!next.is_object()) next.emplace_object();
            target = &next.get_object();
        }
        (*target)[path.back()] = *value;
    }
    return out;
}

}  // namespace weft::proto
