#pragma once

#include "auth_rule_numbers.hpp"
#include "weft/proto/auth_rules.hpp"

namespace weft::proto {

/// The rules for m.room.member.
AuthResult check_member(const Event& event, const AuthLookup& auth, const PowerLevels& levels,
                        const RoomVersion& version, const RuleNumbers& rules);

/// The rules for m.room.power_levels. `current` is nullptr while the room has none.
AuthResult check_power_levels(const Event& event, const Event* current, const Event& create,
                              std::int64_t sender_level, const RoomVersion& version,
                              const RuleNumbers& rules);

}  // namespace weft::proto
