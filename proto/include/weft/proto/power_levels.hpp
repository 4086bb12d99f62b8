#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weft/proto/event.hpp"

namespace weft::proto {

/// Above every level an event can name: room creators from version 12 on.
inline constexpr std::int64_t kCreatorPowerLevel = std::numeric_limits<std::int64_t>::max();

/// The levels in force in a room, with the defaults where no m.room.power_levels says otherwise. Keeps the
/// events alive.
class PowerLevels {
public:
    /// Either may be nullptr: a room being built has no levels yet, a broken one may lack its create event.
    PowerLevels(EventPtr power_levels, EventPtr create, const RoomVersion& version);

    std::int64_t user_level(std::string_view user_id) const;
    /// Needed to send an event of this type.
    std::int64_t event_level(std::string_view type, bool is_state) const;
    std::int64_t ban() const { return content_level("ban", 50); }
    std::int64_t kick() const { return content_level("kick", 50); }
    std::int64_t redact() const { return content_level("redact", 50); }
    std::int64_t invite() const { return content_level("invite", 0); }
    std::int64_t users_default() const { return content_level("users_default", 0); }
    std::int64_t events_default() const { return content_level("events_default", 0); }
    std::int64_t state_default() const { return content_level("state_default", 50); }
    /// Needed to trigger notifications of a kind, `room` for @room mentions.
    std::int64_t notification_level(std::string_view key) const;

private:
    std::int64_t content_level(std::string_view key, std::int64_t fallback) const;

    EventPtr event_;
    EventPtr create_;
    const RoomVersion* version_;
};

/// A level as the version reads it: integers; before version 10 also strings that are integers, and truncated
/// floats.
std::optional<std::int64_t> parse_power_level(const json::value& value, const RoomVersion& version);
/// Creator of the room, from version 12 on also the additional ones. Never throws, whatever content holds.
std::vector<std::string> room_creators(const Event& create);
bool is_room_creator(const Event& create, std::string_view user_id);

}  // namespace weft::proto
