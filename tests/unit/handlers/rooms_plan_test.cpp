#include <catch2/catch.hpp>

#include "weft/core/errors.hpp"
#include "weft/handlers/rooms/room_plan.hpp"

using namespace weft;
using handlers::CreateRoomRequest;
using handlers::RoomPlanContext;
using handlers::RoomPreset;
namespace json = boost::json;

namespace {

const auto kAlice = proto::UserId::trusted("@alice:example.org");
const auto kBob = proto::UserId::trusted("@bob:example.org");
const auto kRoom = proto::RoomId::trusted("!room:example.org");

RoomPlanContext in_version(std::string_view version) {
    RoomPlanContext context{proto::RoomVersion::get(version), kAlice};
    context.creator_member = {{"displayname", "Alice"}};
    if (!context.version->room_id_is_create_hash) context.room_id = kRoom;
    context.now_ms = 1234;
    return context;
}

std::vector<std::string> types_of(const std::vector<proto::EventDraft>& events) {
    std::vector<std::string> out;
    for (const auto& event : events) out.push_back(event.type);
    return out;
}

const json::object& content_of(const std::vector<proto::EventDraft>& events, std::string_view type) {
    for (const auto& event : events) {
        if (event.type == type) return event.content;
    }
    FAIL("no event of type " << type);
    return events.front().content;
}

std::string text(const json::object& object, std::string_view key) {
    return std::string{proto::get_string(object, key).value_or("(none)")};
}

}  // namespace

TEST_CASE("a room without wishes has the events of a private chat in the order of the specification") {
    const auto events = plan_room(CreateRoomRequest{}, in_version("10"));

    CHECK(types_of(events) == std::vector<std::string>{"m.room.create", "m.room.member",
                                                       "m.room.power_levels", "m.room.join_rules",
                                                       "m.room.history_visibility", "m.room.guest_access"});
    CHECK(text(content_of(events, "m.room.join_rules"), "join_rule") == "invite");
    CHECK(text(content_of(events, "m.room.history_visibility"), "history_visibility") == "shared");
    CHECK(text(content_of(events, "m.room.guest_access"), "guest_access") == "can_join");
}

TEST_CASE("every event of a planned room is state of the room, sent by the creator at one time") {
    CreateRoomRequest request;
    request.name = "Name";

    for (const auto& event : plan_room(request, in_version("11"))) {
        CHECK(event.sender == kAlice);
        CHECK(event.room_id == kRoom);
        CHECK(event.origin_server_ts == 1234);
        CHECK(event.state_key == (event.type == "m.room.member" ? kAlice.str() : ""));
    }
}

TEST_CASE("the creator joins with name and avatar") {
    const auto events = plan_room(CreateRoomRequest{}, in_version("11"));

    CHECK(content_of(events, "m.room.member") ==
          json::object{{"displayname", "Alice"}, {"membership", "join"}});
}

TEST_CASE("alias, initial state, name and topic come in the order of the specification") {
    auto context = in_version("11");
    context.alias = proto::RoomAlias::trusted("#pub:example.org");
    CreateRoomRequest request;
    request.preset = RoomPreset::kPublicChat;
    request.name = "The Pub";
    request.topic = "Happy hour";
    request.initial_state = {{"m.room.encryption", "", {{"algorithm", "m.megolm.v1.aes-sha2"}}},
                             {"x", "k", {}}};

    const auto events = plan_room(request, context);

    CHECK(types_of(events) == std::vector<std::string>{"m.room.create", "m.room.member",
                                                       "m.room.power_levels", "m.room.canonical_alias",
                                                       "m.room.join_rules", "m.room.history_visibility",
                                                       "m.room.guest_access", "m.room.encryption", "x",
                                                       "m.room.name", "m.room.topic"});
    CHECK(text(content_of(events, "m.room.canonical_alias"), "alias") == "#pub:example.org");
    CHECK(text(content_of(events, "m.room.join_rules"), "join_rule") == "public");
    CHECK(text(content_of(events, "m.room.guest_access"), "guest_access") == "forbidden");
    CHECK(text(content_of(events, "m.room.name"), "name") == "The Pub");
}

TEST_CASE("initial state takes the place of what a preset would set") {
    CreateRoomRequest request;
    request.initial_state = {{"m.room.join_rules", "", {{"join_rule", "knock"}}}};

    const auto events = plan_room(request, in_version("11"));

    const auto types = types_of(events);
    CHECK(std::count(types.begin(), types.end(), "m.room.join_rules") == 1);
    CHECK(text(content_of(events, "m.room.join_rules"), "join_rule") == "knock");
    CHECK(types.back() == "m.room.join_rules");
}

TEST_CASE("name and topic of the request take the place of those in initial state") {
    CreateRoomRequest request;
    request.initial_state = {{"m.room.name", "", {{"name", "first"}}},
                             {"m.room.topic", "", {{"topic", "first"}}}};
    request.name = "second";
    request.topic = "second";

    const auto events = plan_room(request, in_version("11"));

    const auto types = types_of(events);
    CHECK(std::count(types.begin(), types.end(), "m.room.name") == 1);
    CHECK(std::count(types.begin(), types.end(), "m.room.topic") == 1);
    CHECK(text(content_of(events, "m.room.name"), "name") == "second");
    CHECK(text(content_of(events, "m.room.topic"), "topic") == "second");
}

TEST_CASE("a topic stands in its plain and in its extensible form") {
    const auto content = handlers::topic_content("Tea");

    CHECK(proto::to_json(content) ==
          R"({"topic":"Tea","m.topic":{"m.text":[{"body":"Tea","mimetype":"text/plain"}]}})");
}

TEST_CASE("public visibility without a preset means a public chat") {
    CreateRoomRequest request;
    request.visibility = handlers::DirectoryVisibility::kPublic;
    CHECK(preset_of(request) == RoomPreset::kPublicChat);
    request.preset = RoomPreset::kPrivateChat;
    CHECK(preset_of(request) == RoomPreset::kPrivateChat);
}

TEST_CASE("the create event names its creator up to version 10 only") {
    CreateRoomRequest request;
    request.creation_content = {
        {"creator", "@mallory:example.org"}, {"room_version", "1"}, {"m.federate", false}};

    CHECK(create_content(request, in_version("10")) ==
          json::object{{"creator", kAlice.str()}, {"room_version", "10"}, {"m.federate", false}});
    CHECK(create_content(request, in_version("11")) ==
          json::object{{"room_version", "11"}, {"m.federate", false}});
}

TEST_CASE("the creator has level 100 up to version 11 and is not listed from version 12 on") {
    const auto eleven = power_levels_content(CreateRoomRequest{}, in_version("11"));
    const auto twelve = power_levels_content(CreateRoomRequest{}, in_version("12"));

    CHECK(*proto::get_object(eleven, "users") == json::object{{kAlice.str(), 100}});
    CHECK(proto::get_object(twelve, "users")->empty());
    CHECK(proto::get_int(*proto::get_object(eleven, "events"), "m.room.tombstone") == 100);
    CHECK(proto::get_int(*proto::get_object(twelve, "events"), "m.room.tombstone") == 150);
}

TEST_CASE("in a trusted private chat the invited have the creator's power") {
    CreateRoomRequest request;
    request.preset = RoomPreset::kTrustedPrivateChat;
    request.invite = {kBob};

    const auto eleven = power_levels_content(request, in_version("11"));

    CHECK(*proto::get_object(eleven, "users") == json::object{{kAlice.str(), 100}, {kBob.str(), 100}});
    CHECK_FALSE(create_content(request, in_version("11")).contains("additional_creators"));
    CHECK(create_content(request, in_version("12")).at("additional_creators") == json::array{kBob.str()});
    CHECK(power_levels_content(request, in_version("12")).at("users") == json::object{});
}

TEST_CASE("additional creators are listed once, the creator not at all") {
    CreateRoomRequest request;
    request.preset = RoomPreset::kTrustedPrivateChat;
    request.creation_content = {
        {"additional_creators", json::array{kBob.str(), kAlice.str(), "@carol:example.org"}}};
    request.invite = {kBob};

    const auto content = create_content(request, in_version("12"));

    CHECK(content.at("additional_creators") == json::array{kBob.str(), "@carol:example.org"});
}

TEST_CASE("additional creators that are no user IDs are refused") {
    CreateRoomRequest request;
    for (const auto* const wrong : {R"("@bob:example.org")", R"(["bob"])", "[7]", "null"}) {
        request.creation_content["additional_creators"] = json::parse(wrong);
        CHECK_THROWS_AS(create_content(request, in_version("12")), core::MatrixError);
    }
}

TEST_CASE("the override replaces top-level keys of the power levels") {
    CreateRoomRequest request;
    request.power_level_override = {{"events", {{"m.room.name", 0}}}, {"ban", 99}};

    const auto content = power_levels_content(request, in_version("11"));

    CHECK(*proto::get_object(content, "events") == json::object{{"m.room.name", 0}});
    CHECK(proto::get_int(content, "ban") == 99);
    CHECK(proto::get_int(content, "kick") == 50);
    CHECK(*proto::get_object(content, "users") == json::object{{kAlice.str(), 100}});
}

TEST_CASE("anybody may invite into a private chat, moderators into a public one") {
    CreateRoomRequest request;
    CHECK(proto::get_int(power_levels_content(request, in_version("11")), "invite") == 0);
    request.preset = RoomPreset::kPublicChat;
    CHECK(proto::get_int(power_levels_content(request, in_version("11")), "invite") == 50);
}

TEST_CASE("a room of version 12 is planned without a room ID") {
    for (const auto& event : plan_room(CreateRoomRequest{}, in_version("12"))) CHECK_FALSE(event.room_id);
}
