#include "weft/proto/power_levels.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace weft::proto {

namespace {

constexpr std::int64_t kCreatorLevelWithoutEvent = 100;

/// "optionally spaces, optionally a sign, digits, optionally spaces" (room version 1, "Deprecated event
/// content schemas").
std::optional<std::int64_t> parse_stringy_level(std::string_view text) {
    const auto is_space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    if (text.starts_with('+') && text.size() > 1 && text[1] != '-') text.remove_prefix(1);
    std::int64_t number = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

/// The members of content.<key>, if it is an object.
const json::object* level_map(const Event* event, std::string_view key) {
    return event ? get_object(event->content(), key) : nullptr;
}

}  // namespace

std::optional<std::int64_t> parse_power_level(const json::value& value, const RoomVersion& version) {
    if (auto number = as_int(value)) return number;
    if (version.integer_power_levels) return std::nullopt;
    if (value.is_double()) {
        const double number = std::trunc(value.get_double());
        if (std::abs(number) >= 9.2e18) return std::nullopt;
        return static_cast<std::int64_t>(number);
    }
    if (value.is_string()) return parse_stringy_level(value.get_string());
    return std::nullopt;
}

PowerLevels::PowerLevels(EventPtr power_levels, EventPtr create, const RoomVersion& version)
    : event_{std::move(power_levels)}, create_{std::move(create)}, version_{&version} {}

std::int64_t PowerLevels::user_level(std::string_view user_id) const {
    if (version_->privileged_creators && create_ && is_room_creator(*create_, user_id))
        return kCreatorPowerLevel;
    if (!event_) return create_ && is_room_creator(*create_, user_id) ? kCreatorLevelWithoutEvent : 0;
    if (const auto* users = level_map(event_.get(), "users")) {
        if (const auto* value = find(*users, user_id)) {
            if (const auto level = parse_power_level(*value, *version_)) return *level;
        }
    }
    return users_default();
}

std::int64_t PowerLevels::event_level(std::string_view type, bool is_state) const {
    if (const auto* events = level_map(event_.get(), "events")) {
        if (const auto* value = find(*events, type)) {
            if (const auto level = parse_power_level(*value, *version_)) return *level;
        }
    }
    return is_state ? state_default() : events_default();
}

std::int64_t PowerLevels::notification_level(std::string_view key) const {
    static constexpr std::int64_t kDefault = 50;
    if (const auto* notifications = level_map(event_.get(), "notifications")) {
        if (const auto* value = find(*notifications, key))
            return parse_power_level(*value, *version_).value_or(kDefault);
    }
    return kDefault;
}

std::int64_t PowerLevels::content_level(std::string_view key, std::int64_t fallback) const {
    const auto* value = event_ ? find(event_->content(), key) : nullptr;
    return value ? parse_power_level(*value, *version_).value_or(fallback) : fallback;
}

std::vector<std::string> room_creators(const Event& create) {
    const auto& version = create.room_version();
    std::vector<std::string> creators;
    if (version.implicit_creator) {
        creators.push_back(create.sender().str());
    } else {
        // Rule 1 wants the property; where it is missing all the same, the sender is what it should have
        // said.
        creators.emplace_back(get_string(create.content(), "creator").value_or(create.sender().str()));
    }
    if (version.privileged_creators) {
        if (const auto* additional = get_array(create.content(), "additional_creators")) {
            for (const auto& item : *additional) {
                if (const auto* text = item.if_string()) creators.emplace_back(*text);
            }
        }
    }
    return creators;
}

bool is_room_creator(const Event& create, std::string_view user_id) {
    const auto creators = room_creators(create);
    return std::ranges::find(creators, user_id) != creators.end();
}

}  // namespace weft::proto
