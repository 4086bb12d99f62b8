#include "weft/proto/power_levels.hpp"

#include <catch2/catch.hpp>

#include "auth_fixture.hpp"

using namespace weft::proto;
using namespace weft::proto::test;

TEST_CASE("power level rules: types, by version", "[auth]") {
    const auto judge = [](std::string_view id, std::string_view changes) {
        auto room = busy_room(id);
        return room.verdict(kAlice, "m.room.power_levels", "", changed_levels(room, changes));
    };
    CHECK(judge("6", R"({"ban":"50"})") == "");
    CHECK(judge("6", R"({"users":{"@bob:example.org":" +0050 "}})") == "");
    CHECK(judge("6", R"({"users":{"@bob:example.org":"fifty"}})") == "9.1");
    CHECK(judge("6", R"({"users":{"bob":5}})") == "9.1");
    CHECK(judge("6", R"({"users":[]})") == "9.1");
    CHECK(judge("5", R"({"users":{"@bob:example.org":"x"}})") == "10.1");
    for (const auto* id : {"10", "11"}) {
        CHECK(judge(id, R"({"ban":"50"})") == "9.1");
        CHECK(judge(id, R"({"users_default":null})") == "9.1");
        CHECK(judge(id, R"({"events":{"m.x":"1"}})") == "9.2");
        CHECK(judge(id, R"({"notifications":[]})") == "9.2");
        CHECK(judge(id, R"({"users":{"@bob:example.org":"50"}})") == "9.3");
        CHECK(judge(id, R"({"users":{"bob":50}})") == "9.3");
    }
    CHECK(judge("12", R"({"kick":"1"})") == "10.1");
    CHECK(judge("12", R"({"events":1})") == "10.2");
    CHECK(judge("12", R"({"users":{"bob":50}})") == "10.3");
    CHECK(judge("12", R"({"users":{"@alice:example.org":100}})") == "10.4");
    CHECK(judge("12", R"({"users":{"@bob:example.org":100}})") == "");
}

TEST_CASE("power level rules: nobody gives or takes what is above them, by version", "[auth]") {
    for (const auto& [id, rules, first] :
         {std::tuple{"6", "9.", 3}, {"10", "9.", 5}, {"11", "9.", 5}, {"12", "10.", 6}}) {
        INFO(id);
        const auto rule = [rules = rules, first = first](int offset, std::string rest) {
            return rules + std::to_string(first + offset) + rest;
        };
        auto room = busy_room(id, 50);
        room.send(
            kAlice, "m.room.power_levels", "",
            changed_levels(
                room,
                R"({"ban":80,"events":{"m.room.power_levels":50,"m.high":80},"notifications":{"room":80}})"));
        const auto judge = [&room](std::string_view changes) {
            return room.verdict(kBob, "m.room.power_levels", "", changed_levels(room, changes));
        };
        CHECK(judge("{}") == "");
        CHECK(judge(R"({"kick":40,"redact":50})") == "");
        CHECK(judge(R"({"ban":40})") == rule(0, ".1"));
        CHECK(judge(R"({"kick":51})") == rule(0, ".2"));
        CHECK(judge(R"({"events":{"m.room.power_levels":50}})") == rule(1, ".1"));
        CHECK(judge(R"({"events":{"m.room.power_levels":50,"m.high":80,"m.new":51}})") == rule(2, ".1"));
        CHECK(judge(R"({"events":{"m.room.power_levels":50,"m.high":80,"m.new":50}})") == "");
        CHECK(judge(R"({"notifications":{}})") == rule(1, ".1"));
        CHECK(judge(R"({"notifications":{"room":80,"x":60}})") == rule(2, ".1"));

        auto users = room.lookup().find("m.room.power_levels")->content().at("users").as_object();
        const auto judge_user = [&](const UserId& who, std::int64_t level) {
            auto changed = users;
            changed[who.str()] = level;
            auto content = changed_levels(room, "{}");
            content["users"] = changed;
            return room.verdict(kBob, "m.room.power_levels", "", content);
        };
        CHECK(judge_user(kCarol, 50) == "");
        CHECK(judge_user(kCarol, 51) == rule(4, ".1"));
        CHECK(judge_user(kBob, 10) == "");
        CHECK(judge_user(kBob, 51) == rule(4, ".1"));
        users[kCarol.str()] = 50;
        auto content = changed_levels(room, "{}");
        content["users"] = users;
        room.send(kAlice, "m.room.power_levels", "", content);
        CHECK(judge_user(kCarol, 0) == rule(3, ".1"));
    }
    auto old = busy_room("5", 50);
    old.send(kAlice, "m.room.power_levels", "", changed_levels(old, R"({"notifications":{"room":80}})"));
    CHECK(old.verdict(kBob, "m.room.power_levels", "",
                      changed_levels(old, R"({"notifications":{"room":1}})")) == "");
}

TEST_CASE("creators of version 12 outrank every level and each other not", "[auth]") {
    Room room{"12", object(R"({"additional_creators":["@bob:example.org"]})")};
    room.join("alice");
    room.send(kAlice, "m.room.join_rules", "", object(R"({"join_rule":"public"})"));
    room.join("bob");
    room.join("carol");
    room.send(kAlice, "m.room.power_levels", "",
              object(R"({"users":{"@carol:example.org":9007199254740991},"kick":9007199254740991})"));

    const auto power = room.lookup().power_levels(room.version);
    CHECK(power.user_level(kAlice) == kCreatorPowerLevel);
    CHECK(power.user_level(kBob) == kCreatorPowerLevel);
    CHECK(room.member_verdict(kBob, kCarol, "leave") == "");
    CHECK(room.member_verdict(kCarol, kBob, "leave") == "5.5.5");
    CHECK(room.member_verdict(kAlice, kBob, "ban") == "5.6.3");
}

TEST_CASE("power levels fall back to the defaults of the specification", "[power_levels]") {
    Room room{"10"};
    const auto none = room.lookup().power_levels(room.version);
    CHECK(none.user_level(kAlice) == 100);
    CHECK(none.user_level(kBob) == 0);
    CHECK(none.event_level("m.x", true) == 50);
    CHECK(none.event_level("m.x", false) == 0);
    CHECK(none.ban() == 50);
    CHECK(none.kick() == 50);
    CHECK(none.redact() == 50);
    CHECK(none.invite() == 0);
    CHECK(none.notification_level("room") == 50);

    room.join("alice");
    room.send(kAlice, "m.room.power_levels", "",
              object(R"({"users_default":5,"users":{"@bob:example.org":7},"events_default":1,
        "state_default":2,"events":{"m.y":3},"notifications":{"room":4}})"));
    const auto some = room.lookup().power_levels(room.version);
    CHECK(some.user_level(kAlice) == 5);
    CHECK(some.user_level(kBob) == 7);
    CHECK(some.event_level("m.x", true) == 2);
    CHECK(some.event_level("m.x", false) == 1);
    CHECK(some.event_level("m.y", false) == 3);
    CHECK(some.notification_level("room") == 4);
    CHECK(PowerLevels{nullptr, nullptr, room.version}.user_level(kAlice) == 0);
}

TEST_CASE("levels are read as the room version writes them", "[power_levels]") {
    const auto read = [](std::string_view text, std::string_view id) {
        return parse_power_level(parse_json(text).value(), RoomVersion::get(id));
    };
    CHECK(read("50", "1") == 50);
    CHECK(read("50.57", "1") == 50);
    CHECK(read("5.114698E4", "1") == 51146);
    CHECK(read("-0.9", "1") == 0);
    CHECK(read("1e300", "1") == std::nullopt);
    CHECK(read("\" -00100 \"", "9") == -100);
    CHECK(read("\"+100\"", "9") == 100);
    for (const auto* odd : {"\"\"", "\"1.5\"", "\"+-1\"", "\"1 0\"", "\"0x1\"", "true", "null", "[]"}) {
        CHECK(read(odd, "9") == std::nullopt);
    }
    CHECK(read("\"100\"", "10") == std::nullopt);
    CHECK(read("1.0", "10") == std::nullopt);
}
