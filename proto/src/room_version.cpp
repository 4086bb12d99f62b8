#include "weft/proto/room_version.hpp"

#include <array>
#include <string>

#include "weft/core/errors.hpp"

namespace weft::proto {

namespace {

/// Each version is the one before it with a few facts changed, as the specification tells it.
constexpr std::array<RoomVersion, 12> make_versions() {
    std::array<RoomVersion, 12> versions{};
    RoomVersion v{};
    v.event_format = EventFormat::kV1;
    v.state_resolution = StateResolution::kV1;
    v.aliases_are_special = true;
    v.redaction_auth_rule = true;

    v.id = "1";
    versions[0] = v;

    v.id = "2";
    v.state_resolution = StateResolution::kV2;
    versions[1] = v;

    v.id = "3";
    v.event_format = EventFormat::kV3;
    v.redaction_auth_rule = false;
    versions[2] = v;

    v.id = "4";
    v.event_format = EventFormat::kV4;
    versions[3] = v;

    v.id = "5";
    v.enforce_key_validity = true;
    versions[4] = v;

    v.id = "6";
    v.enforce_canonical_json = true;
    v.aliases_are_special = false;
    v.limit_notifications_power_levels = true;
    versions[5] = v;

    v.id = "7";
    v.knocking = true;
    versions[6] = v;

    v.id = "8";
    v.restricted_joins = true;
    versions[7] = v;

    v.id = "9";
    v.restricted_joins_survive_redaction = true;
    versions[8] = v;

    v.id = "10";
    v.knock_restricted = true;
    v.integer_power_levels = true;
    versions[9] = v;

    v.id = "11";
    v.updated_redaction_rules = true;
    v.redacts_in_content = true;
    v.implicit_creator = true;
    versions[10] = v;

    v.id = "12";
    v.state_resolution = StateResolution::kV2_1;
    v.room_id_is_create_hash = true;
    v.privileged_creators = true;
    versions[11] = v;
    return versions;
}

constexpr auto kVersions = make_versions();

}  // namespace

const RoomVersion* RoomVersion::find(std::string_view id) noexcept {
    for (const auto& version : kVersions) {
        if (version.id == id) return &version;
    }
    return nullptr;
}

const RoomVersion& RoomVersion::get(std::string_view id) {
    if (const auto* version = find(id)) return *version;
    throw core::MatrixError{400, "M_UNSUPPORTED_ROOM_VERSION",
                            "This server does not support room version \"" + std::string{id} + "\""};
}

std::span<const RoomVersion> RoomVersion::all() noexcept {
    return kVersions;
}

}  // namespace weft::proto
