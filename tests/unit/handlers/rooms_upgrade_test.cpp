#include <catch2/catch.hpp>

#include "weft/handlers/rooms/upgrade_plan.hpp"

using namespace weft;
using handlers::closed_power_levels;
using handlers::RoomPlanContext;
using handlers::UpgradeSource;
namespace json = boost::json;

namespace {

const auto kAlice = proto::UserId::trusted("@alice:example.org");

proto::EventPtr state(std::string_view type, json::object content, std::string_view version,
                      std::string_view sender = "@alice:example.org") {
    static int count = 0;
    const json::object pdu{{"type", type},
                           {"state_key", ""},
                           {"sender", sender},
                           {"room_id", "!old:example.org"},
                           {"content", std::move(content)},
                           {"depth", 1},
                           {"prev_events", json::array{}},
                           {"auth_events", json::array{}},
                           {"origin_server_ts", 1}};
    return proto::Event::from_database(proto::EventId::trusted(fmt::format("$event{}", ++count)),
                                       proto::to_json(pdu), "{}", proto::RoomVersion::get(version))
        .value();
}

UpgradeSource source_of(std::vector<proto::EventPtr> events) {
    UpgradeSource source{proto::RoomId::trusted("!old:example.org")};
    source.last_event = proto::EventId::trusted("$last");
    source.state = std::move(events);
    return source;
}

RoomPlanContext into(std::string_view version) {
    RoomPlanContext context{proto::RoomVersion::get(version), kAlice};
    if (!context.version->room_id_is_create_hash)
        context.room_id = proto::RoomId::trusted("!new:example.org");
    return context;
}

}  // namespace

TEST_CASE("a replacement room names its predecessor and keeps its type") {
    const auto source =
        source_of({state("m.room.create", {{"type", "m.space"}, {"m.federate", false}}, "9")});

    const auto events = plan_upgrade(source, into("11"));

    CHECK(events.front().content ==
          json::object{{"predecessor", {{"room_id", "!old:example.org"}, {"event_id", "$last"}}},
                       {"type", "m.space"},
                       {"m.federate", false},
                       {"room_version", "11"}});
}

TEST_CASE("an upgrade carries over what describes the room and leaves the rest") {
    const auto source =
        source_of({state("org.example.own", {}, "9"), state("m.room.topic", {{"topic", "T"}}, "9"),
                   state("m.room.name", {{"name", "N"}}, "9"),
                   state("m.room.canonical_alias", {{"alias", "#a:b"}}, "9")});

    std::vector<std::string> types;
    for (const auto& event : plan_upgrade(source, into("11"))) types.push_back(event.type);

    CHECK(types == std::vector<std::string>{"m.room.create", "m.room.member", "m.room.power_levels",
                                            "m.room.name", "m.room.topic"});
}

TEST_CASE("the upgrading user has all power until the old levels are set") {
    const json::object levels{{"users", {{kAlice.str(), 60}, {"@root:example.org", 200}}}, {"ban", 50}};
    const auto source = source_of({state("m.room.power_levels", levels, "9")});

    const auto events = plan_upgrade(source, into("11"));

    REQUIRE(events.size() == 4);
    CHECK(events[2].type == "m.room.power_levels");
    CHECK(proto::get_int(*proto::get_object(events[2].content, "users"), kAlice.str()) == 200);
    CHECK(events[3].type == "m.room.power_levels");
    CHECK(events[3].content == levels);
}

TEST_CASE("from version 12 on creators are taken off the levels and the tombstone outranks them") {
    const json::object old{
        {"users", {{kAlice.str(), 100}, {"@bob:example.org", 100}, {"@carol:example.org", 50}}},
        {"events", {{"m.room.tombstone", 40}}},
        {"state_default", 50}};
    const json::object create{{"additional_creators", json::array{"@bob:example.org"}}};

    const auto out = handlers::upgraded_power_levels(old, nullptr, create, into("12"));

    CHECK(*proto::get_object(out, "users") == json::object{{"@carol:example.org", 50}});
    CHECK(proto::get_int(*proto::get_object(out, "events"), "m.room.tombstone") == 150);
}

TEST_CASE("creators of version 12 are listed when a room goes back to an older version") {
    const auto create =
        state("m.room.create", {{"additional_creators", json::array{"@bob:example.org"}}}, "12");

    const auto out = handlers::upgraded_power_levels({{"events", {{"m.room.tombstone", 150}}}}, create.get(),
                                                     {}, into("11"));

    CHECK(*proto::get_object(out, "users") == json::object{{kAlice.str(), 150}, {"@bob:example.org", 150}});
}

TEST_CASE("levels that were strings in an old room are integers in the new one") {
    const auto create = state("m.room.create", {{"creator", kAlice.str()}}, "6");

    const auto out = handlers::upgraded_power_levels(
        {{"ban", "70"}, {"kick", "many"}, {"users", {{kAlice.str(), "100"}}}}, create.get(), {}, into("11"));

    CHECK(out == json::object{{"ban", 70}, {"users", {{kAlice.str(), 100}}}});
}

TEST_CASE("after an upgrade only moderators speak and invite in the old room") {
    CHECK(closed_power_levels({{"users_default", 0}, {"ban", 50}}) ==
          json::object{{"users_default", 0}, {"ban", 50}, {"events_default", 50}, {"invite", 50}});
    CHECK(closed_power_levels({{"users_default", 80}, {"events_default", 90}}) ==
          json::object{{"users_default", 80}, {"events_default", 90}, {"invite", 81}});
}

TEST_CASE("a room that is closed already keeps its levels") {
    CHECK_FALSE(closed_power_levels({{"events_default", 50}, {"invite", 100}}));
}
