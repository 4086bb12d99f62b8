#include <catch2/catch.hpp>

#include "weft/core/errors.hpp"
#include "weft/proto/json.hpp"
#include "weft/rest/client/create_room.hpp"
#include "weft/rest/client/public_rooms.hpp"

using namespace weft;
namespace json = boost::json;

namespace {

json::object body(std::string_view text) {
    return proto::parse_json_object(text).value();
}

std::string create_error(std::string_view text) {
    try {
        rest::parse_create_room(body(text));
    } catch (const core::MatrixError& error) {
        return error.errcode;
    }
    return "accepted";
}

}  // namespace

TEST_CASE("a request to create a room is read in full") {
    const auto request = rest::parse_create_room(body(R"({
        "preset": "trusted_private_chat", "visibility": "public", "room_version": "10", "name": "N", "topic": "T",
        "room_alias_name": "pub", "invite": ["@bob:example.org"], "is_direct": true, "invite_3pid": [],
        "creation_content": {"m.federate": false}, "power_level_content_override": {"ban": 1},
        "initial_state": [{"type": "t", "content": {"a": 1}}, {"type": "u", "state_key": "k", "content": {}}]})"));

    CHECK(request.preset == handlers::RoomPreset::kTrustedPrivateChat);
    CHECK(request.visibility == handlers::DirectoryVisibility::kPublic);
    CHECK(request.room_version == "10");
    CHECK(request.name == "N");
    CHECK(request.topic == "T");
    CHECK(request.alias_localpart == "pub");
    CHECK(request.invite == std::vector{proto::UserId::trusted("@bob:example.org")});
    CHECK(request.is_direct);
    CHECK(request.creation_content == json::object{{"m.federate", false}});
    CHECK(request.power_level_override == json::object{{"ban", 1}});
    REQUIRE(request.initial_state.size() == 2);
    CHECK(request.initial_state[0].state_key.empty());
    CHECK(request.initial_state[0].content == json::object{{"a", 1}});
    CHECK(request.initial_state[1].state_key == "k");
}

TEST_CASE("an empty request asks for a private room of the default version") {
    const auto request = rest::parse_create_room({});

    CHECK_FALSE(request.preset);
    CHECK(request.visibility == handlers::DirectoryVisibility::kPrivate);
    CHECK(request.room_version.empty());
    CHECK_FALSE(request.name);
    CHECK_FALSE(request.alias_localpart);
    CHECK(request.invite.empty());
}

TEST_CASE("members of the wrong type are refused when a room is created") {
    CHECK(create_error(R"({"name": 1})") == "M_BAD_JSON");
    CHECK(create_error(R"({"preset": "party"})") == "M_INVALID_PARAM");
    CHECK(create_error(R"({"visibility": "hidden"})") == "M_INVALID_PARAM");
    CHECK(create_error(R"({"invite": "@bob:example.org"})") == "M_BAD_JSON");
    CHECK(create_error(R"({"invite": [1]})") == "M_BAD_JSON");
    CHECK(create_error(R"({"invite": ["bob"]})") == "M_INVALID_PARAM");
    CHECK(create_error(R"({"initial_state": [{"content": {}}]})") == "M_BAD_JSON");
    CHECK(create_error(R"({"initial_state": [{"type": "t"}]})") == "M_BAD_JSON");
    CHECK(create_error(R"({"initial_state": [{"type": "t", "content": []}]})") == "M_BAD_JSON");
    CHECK(create_error(R"({"initial_state": [{"type": "a\u0000", "content": {}}]})") == "M_INVALID_PARAM");
    CHECK(create_error(R"({"initial_state": [{"type": "a", "state_key": "\u0000", "content": {}}]})") ==
          "M_INVALID_PARAM");
    CHECK(create_error(R"({"creation_content": []})") == "M_BAD_JSON");
    CHECK(create_error(R"({"is_direct": "yes"})") == "M_BAD_JSON");
}

TEST_CASE("a search of the directory is read in full") {
    const auto query = rest::parse_public_rooms(body(R"({"limit": 5, "since": "n10",
        "filter": {"generic_search_term": "foo", "room_types": [null, "m.space"]}})"));

    CHECK(query.limit == 5);
    REQUIRE(query.since);
    CHECK(query.since->forward);
    CHECK(query.since->index == 10);
    CHECK(query.search == "foo");
    CHECK(query.room_types == std::vector<std::optional<std::string>>{std::nullopt, "m.space"});
}

TEST_CASE("the directory of one network, or of all, is asked for") {
    CHECK(rest::parse_public_rooms(body(R"({"third_party_instance_id": "bridge|net"})")).network ==
          "bridge|net");
    CHECK(rest::parse_public_rooms(body(R"({"include_all_networks": true})")).all_networks);
    const auto own =
        rest::parse_public_rooms(body(R"({"third_party_instance_id": null, "include_all_networks": false})"));
    CHECK(own.network.empty());
    CHECK_FALSE(own.all_networks);
}

TEST_CASE("a search of the directory with a wrong limit, token or filter is refused") {
    for (const auto* const text :
         {R"({"limit": "5"})", R"({"since": "later"})", R"({"filter": []})",
          R"({"filter": {"room_types": "m.space"}})", R"({"filter": {"room_types": [1]}})",
          R"({"third_party_instance_id": "net"})",
          R"({"third_party_instance_id": "bridge|net", "include_all_networks": true})"}) {
        CHECK_THROWS_AS(rest::parse_public_rooms(body(text)), core::MatrixError);
    }
}
