#include <catch2/catch.hpp>

#include "rooms_fixture.hpp"

using namespace weft;
using test::RoomsFixture;
namespace json = boost::json;

namespace {

const std::string kAlice = "@alice:test";
const std::string kBob = "@bob:test";
const std::string kPub = "/directory/room/%23pub:test";

std::string pointing_to(const std::string& room_id) {
    return proto::to_json(json::object{{"room_id", room_id}});
}

std::vector<std::string> names_in(const test::Answer& answer) {
    std::vector<std::string> out;
    for (const auto& entry : answer.body.at("chunk").as_array()) {
        out.emplace_back(proto::get_string(entry.as_object(), "name").value_or("(none)"));
    }
    return out;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a member names the room, and others find it", "[rooms]") {
    RoomsFixture fixture;
    const auto room_id = fixture.create_room(kAlice);

    CHECK(fixture.put(kBob, kPub, pointing_to(room_id)).errcode() == "M_FORBIDDEN");
    CHECK(fixture.put(kAlice, kPub, "{}").errcode() == "M_MISSING_PARAM");
    CHECK(fixture.put(kAlice, kPub, pointing_to("!nowhere:test")).errcode() == "M_NOT_FOUND");
    CHECK(fixture.put(kAlice, "/directory/room/%23pub:elsewhere.org", pointing_to(room_id)).errcode() ==
          "M_INVALID_PARAM");
    CHECK(fixture.put(kAlice, "/directory/room/pub", pointing_to(room_id)).errcode() == "M_INVALID_PARAM");
    CHECK(fixture.put(kAlice, kPub, pointing_to(room_id)).status == 200);
    CHECK(fixture.get("", kPub).body == json::object{{"room_id", room_id}, {"servers", json::array{"test"}}});
    const auto taken = fixture.put(kAlice, kPub, pointing_to(room_id));
    CHECK(taken.status == 409);
    CHECK(taken.errcode() == "M_UNKNOWN");
}

TEST_CASE("the aliases of a room are for its members", "[rooms]") {
    RoomsFixture fixture;
    const auto room_id = fixture.create_room(kAlice, R"({"room_alias_name": "pub"})");
    const auto path = "/rooms/" + room_id + "/aliases";

    CHECK(fixture.get(kAlice, path).body == json::object{{"aliases", json::array{"#pub:test"}}});
    CHECK(fixture.get(kBob, path).errcode() == "M_FORBIDDEN");
    fixture.put(kAlice, "/rooms/" + room_id + "/state/m.room.history_visibility",
                R"({"history_visibility": "world_readable"})");
    CHECK(fixture.get(kBob, path).status == 200);
}

TEST_CASE("an alias is deleted by its creator, and from the canonical alias event with it", "[rooms]") {
    RoomsFixture fixture;
    const auto room_id =
        fixture.create_room(kAlice, R"({"preset": "public_chat", "room_alias_name": "pub"})");
    fixture.post(kBob, "/join/" + room_id);

    CHECK(fixture.remove(kBob, kPub).errcode() == "M_FORBIDDEN");
    CHECK(fixture.remove(kAlice, kPub).status == 200);
    CHECK(fixture.remove(kAlice, kPub).errcode() == "M_NOT_FOUND");
    CHECK(fixture.get("", kPub).errcode() == "M_NOT_FOUND");
    CHECK(fixture.state(room_id, "m.room.canonical_alias").empty());
}

TEST_CASE("whoever has power over the canonical alias deletes the aliases of others", "[rooms]") {
    RoomsFixture fixture;
    const auto room_id = fixture.create_room(kAlice, R"({"preset": "public_chat"})");
    fixture.post(kBob, "/join/" + room_id);

    REQUIRE(fixture.put(kBob, kPub, pointing_to(room_id)).status == 200);
    CHECK(fixture.remove(kAlice, kPub).status == 200);
    REQUIRE(fixture.put(kBob, kPub, pointing_to(room_id)).status == 200);
    CHECK(fixture.remove("@root:test/admin", kPub).status == 200);
}

TEST_CASE("a creator without power still deletes the alias", "[rooms]") {
    RoomsFixture fixture;
    const auto room_id = fixture.create_room(kAlice, R"({"preset": "public_chat"})");
    fixture.post(kBob, "/join/" + room_id);
    fixture.put(kBob, kPub, pointing_to(room_id));
    fixture.put(kAlice, "/rooms/" + room_id + "/state/m.room.canonical_alias", R"({"alias": "#pub:test"})");

    CHECK(fixture.remove(kBob, kPub).status == 200);
    CHECK(fixture.state(room_id, "m.room.canonical_alias") == json::object{{"alias", "#pub:test"}});
}

TEST_CASE("who may set the canonical alias decides whether the room is published", "[rooms]") {
    RoomsFixture fixture;
    const auto room_id = fixture.create_room(kAlice, R"({"preset": "public_chat"})");
    fixture.post(kBob, "/join/" + room_id);
    const auto path = "/directory/list/room/" + room_id;

    CHECK(fixture.get("", path).body == json::object{{"visibility", "private"}});
    CHECK(fixture.put(kBob, path).errcode() == "M_FORBIDDEN");
    CHECK(fixture.put(kAlice, path).status == 200);
    CHECK(fixture.get("", path).body == json::object{{"visibility", "public"}});
    CHECK(fixture.put(kAlice, path, R"({"visibility": "private"})").status == 200);
    CHECK(fixture.get("", path).body == json::object{{"visibility", "private"}});
    CHECK(fixture.put(kAlice, path, R"({"visibility": "maybe"})").errcode() == "M_INVALID_PARAM");
    CHECK(fixture.get("", "/directory/list/room/!nowhere:test").errcode() == "M_NOT_FOUND");
}

TEST_CASE("the directory is read forward and back, largest rooms first", "[rooms]") {
    RoomsFixture fixture;
    for (const auto* const name : {"one", "two", "three"}) {
        fixture.create_room(kAlice, fmt::format(R"({{"visibility": "public", "name": "{}"}})", name));
    }
    fixture.create_room(kAlice, R"({"preset": "public_chat", "name": "not published"})");
    const auto big =
        fixture.create_room(kAlice, R"({"visibility": "public", "name": "big", "topic": "all"})");
    fixture.post(kBob, "/join/" + big);

    const auto all = fixture.get(kBob, "/publicRooms");
    CHECK(all.body.at("total_room_count_estimate") == 4);
    CHECK_FALSE(all.body.contains("next_batch"));
    CHECK_FALSE(all.body.contains("prev_batch"));
    REQUIRE(names_in(all).size() == 4);
    CHECK(all.body.at("chunk").as_array().front() == json::object{{"room_id", big},
                                                                  {"name", "big"},
                                                                  {"topic", "all"},
                                                                  {"num_joined_members", 2},
                                                                  {"world_readable", false},
                                                                  {"guest_can_join", false},
                                                                  {"join_rule", "public"}});

    const auto first = fixture.get("", "/publicRooms?limit=3");
    const auto second = fixture.get("", "/publicRooms?limit=3&since=" + first.text("next_batch"));
    const auto back = fixture.get("", "/publicRooms?limit=3&since=" + second.text("prev_batch"));
    auto together = names_in(first);
    for (auto& name : names_in(second)) together.push_back(name);
    CHECK(names_in(second).size() == 1);
    CHECK(together == names_in(all));
    CHECK_FALSE(second.body.contains("next_batch"));
    CHECK(names_in(back) == names_in(first));
    CHECK_FALSE(back.body.contains("prev_batch"));
    CHECK(fixture.get("", "/publicRooms?since=x").errcode() == "M_INVALID_PARAM");
    CHECK(fixture.get("", "/publicRooms?server=elsewhere.org").errcode() == "M_NOT_FOUND");
}

TEST_CASE("the directory is searched by name and type", "[rooms]") {
    RoomsFixture fixture;
    fixture.create_room(kAlice, R"({"visibility": "public", "name": "Garden"})");
    fixture.create_room(kAlice, R"({"visibility": "public", "name": "Kitchen", "topic": "garden herbs"})");
    fixture.create_room(
        kAlice, R"({"visibility": "public", "name": "House", "creation_content": {"type": "m.space"}})");
    const auto search = [&](std::string_view filter) {
        return names_in(fixture.post(kBob, "/publicRooms", fmt::format(R"({{"filter": {}}})", filter)));
    };

    auto found = search(R"({"generic_search_term": "GARDEN"})");
    std::sort(found.begin(), found.end());
    CHECK(found == Names{"Garden", "Kitchen"});
    CHECK(search(R"({"generic_search_term": "garage"})").empty());
    CHECK(search(R"({"room_types": ["m.space"]})") == Names{"House"});
    CHECK(search(R"({"room_types": [null]})").size() == 2);
}

TEST_CASE("a room just published is in the directory at once, one just hidden is not", "[rooms]") {
    RoomsFixture fixture;
    const auto room_id = fixture.create_room(kAlice, R"({"visibility": "public", "name": "Pub"})");

    CHECK(names_in(fixture.get("", "/publicRooms")) == Names{"Pub"});
    fixture.put(kAlice, "/directory/list/room/" + room_id, R"({"visibility": "private"})");
    CHECK(names_in(fixture.get("", "/publicRooms")).empty());
}

TEST_CASE("an upgrade makes a replacement, closes the room and moves its names", "[rooms]") {
    RoomsFixture fixture;
    for (const auto* const version : {"11", "12"}) {
        CAPTURE(version);
        const auto old_room =
            fixture.create_room(kAlice, R"({"room_version": "9", "visibility": "public", "name": "Pub",
                                                    "topic": "Beer", "room_alias_name": "pub"})");
        fixture.post(kBob, "/join/" + old_room);
        const auto path = "/rooms/" + old_room + "/upgrade";
        const auto body = fmt::format(R"({{"new_version": "{}"}})", version);

        CHECK(fixture.post(kBob, path, body).errcode() == "M_FORBIDDEN");
        CHECK(fixture.post(kAlice, path, R"({"new_version": "0"})").errcode() ==
              "M_UNSUPPORTED_ROOM_VERSION");
        const auto upgraded = fixture.post(kAlice, path, body);
        REQUIRE(upgraded.status == 200);
        const auto new_room = upgraded.text("replacement_room");

        const auto tombstone = fixture.state(old_room, "m.room.tombstone");
        CHECK(proto::get_string(tombstone, "replacement_room") == new_room);
        CHECK(proto::get_int(fixture.state(old_room, "m.room.power_levels"), "events_default") == 50);
        CHECK(fixture.state(old_room, "m.room.canonical_alias").empty());
        const auto create = fixture.state(new_room, "m.room.create");
        CHECK(proto::get_string(create, "room_version") == version);
        CHECK(proto::get_string(*proto::get_object(create, "predecessor"), "room_id") == old_room);
        CHECK(fixture.state(new_room, "m.room.name") == json::object{{"name", "Pub"}});
        CHECK(fixture.state(new_room, "m.room.join_rules") == json::object{{"join_rule", "public"}});
        CHECK(fixture.state(new_room, "m.room.canonical_alias") == json::object{{"alias", "#pub:test"}});
        CHECK(fixture.get("", kPub).text("room_id") == new_room);
        CHECK(fixture.get("", "/directory/list/room/" + old_room).text("visibility") == "private");
        CHECK(fixture.get("", "/directory/list/room/" + new_room).text("visibility") == "public");
        CHECK(fixture.put(kBob, "/rooms/" + old_room + "/send/m.room.message/1").errcode() == "M_FORBIDDEN");
        CHECK(fixture.post(kBob, "/join/%23pub:test").text("room_id") == new_room);
        fixture.remove(kAlice, kPub);
    }
}
