#include "weft/proto/room_version.hpp"

#include <catch2/catch.hpp>

#include "weft/core/errors.hpp"

using namespace weft::proto;

TEST_CASE("versions 1 to 12 are known and nothing else", "[room_version]") {
    REQUIRE(RoomVersion::all().size() == 12);
    CHECK(RoomVersion::find("1")->event_format == EventFormat::kV1);
    CHECK(RoomVersion::find("13") == nullptr);
    CHECK(RoomVersion::find("") == nullptr);
    CHECK_THROWS_AS(RoomVersion::get("org.example"), weft::core::MatrixError);
}

TEST_CASE("facts of room versions begin where the specification says", "[room_version]") {
    const auto first_with = [](bool RoomVersion::*fact) {
        for (const auto& version : RoomVersion::all()) {
            if (version.*fact) return std::string{version.id};
        }
        return std::string{};
    };
    CHECK(first_with(&RoomVersion::enforce_key_validity) == "5");
    CHECK(first_with(&RoomVersion::enforce_canonical_json) == "6");
    CHECK(first_with(&RoomVersion::limit_notifications_power_levels) == "6");
    CHECK(first_with(&RoomVersion::knocking) == "7");
    CHECK(first_with(&RoomVersion::restricted_joins) == "8");
    CHECK(first_with(&RoomVersion::restricted_joins_survive_redaction) == "9");
    CHECK(first_with(&RoomVersion::knock_restricted) == "10");
    CHECK(first_with(&RoomVersion::integer_power_levels) == "10");
    CHECK(first_with(&RoomVersion::updated_redaction_rules) == "11");
    CHECK(first_with(&RoomVersion::room_id_is_create_hash) == "12");
    CHECK(RoomVersion::get("2").redaction_auth_rule);
    CHECK_FALSE(RoomVersion::get("3").redaction_auth_rule);
    CHECK(RoomVersion::get("5").aliases_are_special);
    CHECK_FALSE(RoomVersion::get("6").aliases_are_special);
    CHECK(RoomVersion::get("1").state_resolution == StateResolution::kV1);
    CHECK(RoomVersion::get("11").state_resolution == StateResolution::kV2);
    CHECK(RoomVersion::get("12").state_resolution == StateResolution::kV2_1);
    CHECK(RoomVersion::get("3").event_format == EventFormat::kV3);
    CHECK(RoomVersion::get("4").event_format == EventFormat::kV4);
}
