#pragma once

#include <string>

#include <fmt/format.h>

#include "weft/proto/room_version.hpp"

namespace weft::proto {

/// Where the rules stand in the list of a room version: versions before 6 have one about aliases, version 12
/// one about the room id, and member and power level rules grew in between.
struct RuleNumbers {
    explicit RuleNumbers(const RoomVersion& version) {
        const int room = version.room_id_is_create_hash ? 1 : 0;
        const int aliases_rule = version.aliases_are_special ? 1 : 0;
        auth_events = 2 + room;
        federate = 3 + room;
        aliases = 4;
        member = 4 + room + aliases_rule;
        sender_joined = member + 1;
        third_party_invite = member + 2;
        event_level = member + 3;
        state_key = member + 4;
        power_levels = member + 5;
        redaction = member + 6;
        member_join = version.restricted_joins ? 3 : 2;
        levels_users = version.integer_power_levels ? 3 : 1;
        levels_creators = levels_users + 1;
        levels_changes = levels_users + (version.privileged_creators ? 3 : 2);
    }

    int auth_events, federate, aliases, member, sender_joined, third_party_invite, event_level, state_key,
        power_levels, redaction;
    int member_join;      ///< <member>.<join>; invite, leave, ban and knock follow
    int levels_users;     ///< <power_levels>.<users>
    int levels_creators;  ///< version 12 only
    int levels_changes;   ///< the first of the rules that compare old and new
};

template <class... Parts>
std::string rule_number(int first, Parts... parts) {
    std::string text = std::to_string(first);
    ((text += '.', text += std::to_string(parts)), ...);
    return text;
}

}  // namespace weft::proto
