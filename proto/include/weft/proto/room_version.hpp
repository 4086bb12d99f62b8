#pragma once

#include <span>
#include <string_view>

namespace weft::proto {

/// How an event of the room travels between servers.
enum class EventFormat {
    kV1,  ///< carries its own event_id; prev_events and auth_events are [id, hashes] pairs
    kV3,  ///< event id = standard base64 of the reference hash
    kV4,  ///< event id = URL-safe base64 of the reference hash
};

enum class StateResolution { kV1, kV2, kV2_1 };

/// Everything that differs between room versions, as plain facts. Code asks these; nothing compares version
/// strings. See the "Room versions" part of the specification.
struct RoomVersion {
    std::string_view id;
    EventFormat event_format;
    StateResolution state_resolution;
    bool enforce_key_validity;                ///< v5: signing keys must be valid at origin_server_ts
    bool enforce_canonical_json;              ///< v6: floats and big integers make an event invalid
    bool aliases_are_special;                 ///< v1-v5: own auth rule and redaction rule for m.room.aliases
    bool redaction_auth_rule;                 ///< v1-v2: m.room.redaction has an auth rule of its own
    bool limit_notifications_power_levels;    ///< v6: `notifications` is guarded like `events`
    bool knocking;                            ///< v7
    bool restricted_joins;                    ///< v8
    bool restricted_joins_survive_redaction;  ///< v9: join_authorised_via_users_server is kept
    bool knock_restricted;                    ///< v10
    bool integer_power_levels;                ///< v10: strings are no longer levels
    bool updated_redaction_rules;             ///< v11: other top-level and content keys are kept
    bool redacts_in_content;                  ///< v11: m.room.redaction names its target in content
    bool implicit_creator;                    ///< v11: the creator is the sender of m.room.create
    bool room_id_is_create_hash;              ///< v12: and m.room.create is not among auth_events
    bool privileged_creators;                 ///< v12: creators outrank any power level

    /// nullptr for a version this server does not know.
    static const RoomVersion* find(std::string_view id) noexcept;
    /// Throws MatrixError 400 M_UNSUPPORTED_ROOM_VERSION.
    static const RoomVersion& get(std::string_view id);
    static std::span<const RoomVersion> all() noexcept;

    bool event_ids_are_hashes() const noexcept { return event_format != EventFormat::kV1; }
};

}  // namespace weft::proto
