// What clients and the test suites of other servers expect where the specification leaves room.
#include <catch2/catch.hpp>

#include "homeserver_fixture.hpp"
#include "weft/http/uri.hpp"

using namespace weft;
using namespace weft::test;

namespace {

std::string room_path(const std::string& room_id, const std::string& tail) {
    return "/rooms/" + http::percent_encode(room_id) + tail;
}

std::string version_12_room(HomeserverFixture& server) {
    return server.create_room("alice", R"({"preset": "public_chat", "room_version": "12"})");
}

}  // namespace

TEST_CASE("what a client says with its join stands in the event", "[expectations]") {
    HomeserverFixture server;
    const auto room_id = server.create_room("alice");
    const std::string body = R"({"reason": "why not", "colour": "blue", "membership": "ban", "third_party_signed": null,
                                 "join_authorised_via_users_server": "@alice:test"})";
    REQUIRE(server.post("bob", "/join/" + http::percent_encode(room_id), body).status == 200);
    const auto member = server.get("bob", room_path(room_id, "/state/m.room.member/@bob:test"));
    CHECK(member.text("colour") == "blue");
    CHECK(member.text("reason") == "why not");
    CHECK(member.text("membership") == "join");
    CHECK(!member.body.contains("third_party_signed"));
    CHECK(!member.body.contains("join_authorised_via_users_server"));
    CHECK(server.post("carol", "/join/" + http::percent_encode(room_id), R"({"reason": 5})").errcode() == "M_BAD_JSON");
}

TEST_CASE("whoever may not read a room's messages is told so before anything else", "[expectations]") {
    HomeserverFixture server;
    const auto room_id = server.create_room("alice");
    CHECK(server.get("alice", room_path(room_id, "/messages")).errcode() == "M_MISSING_PARAM");
    CHECK(server.get("bob", room_path(room_id, "/messages")).errcode() == "M_FORBIDDEN");
}

TEST_CASE("a page of filtered messages says where to go on", "[expectations]") {
    HomeserverFixture server;
    const auto room_id = server.create_room("alice");
    server.say("alice", room_id, "hello");
    const auto filtered = room_path(room_id, "/messages?dir=b&filter=" + http::percent_encode(R"({"types":["m.room.message"]})"));
    const auto page = server.get("alice", filtered);
    REQUIRE(page.body.at("chunk").as_array().size() == 1);
    REQUIRE(page.body.contains("end"));
    const auto rest = server.get("alice", filtered + "&from=" + page.text("end"));
    CHECK(rest.body.at("chunk").as_array().empty());
    CHECK(!rest.body.contains("end"));
    CHECK(!server.get("alice", room_path(room_id, "/messages?dir=b&limit=100")).body.contains("end"));
}

TEST_CASE("the members at the beginning of a room are its creator", "[expectations]") {
    HomeserverFixture server;
    const auto room_id = server.create_room("alice");
    const auto beginning = server.get("alice", "/sync").body.at("rooms").at("join").at(room_id).at("timeline").at("prev_batch");
    server.join("bob", room_id);
    const auto then = server.get("alice", room_path(room_id, "/members?at=" + std::string{beginning.as_string()}));
    REQUIRE(then.body.at("chunk").as_array().size() == 1);
    CHECK(then.body.at("chunk").at(0).at("state_key").as_string() == "@alice:test");
}

TEST_CASE("a full page of search results says where to go on", "[expectations]") {
    HomeserverFixture server;
    const auto room_id = server.create_room("alice");
    for (int i = 0; i < 4; ++i) server.say("alice", room_id, "word " + std::to_string(i));
    const auto search = [&](const std::string& next) {
        return server.post("alice", "/search" + (next.empty() ? "" : "?next_batch=" + next),
                           R"({"search_categories": {"room_events": {"search_term": "word", "order_by": "recent", "filter": {"limit": 2}}}})")
            .body.at("search_categories").at("room_events").as_object();
    };
    const auto first = search("");
    const auto second = search(std::string{first.at("next_batch").as_string()});
    CHECK(second.at("results").as_array().size() == 2);
    const auto third = search(std::string{second.at("next_batch").as_string()});
    CHECK(third.at("results").as_array().empty());
    CHECK(!third.contains("next_batch"));
}

TEST_CASE("there are no push rules of an unknown kind", "[expectations]") {
    HomeserverFixture server;
    CHECK(server.get("alice", "/pushrules/global/postcontent/x").status == 404);
}

TEST_CASE("what clients may not set in a room's state is their mistake", "[expectations]") {
    HomeserverFixture server;
    const auto room_id = version_12_room(server);
    const auto levels = server.put("alice", room_path(room_id, "/state/m.room.power_levels"), R"({"users": {"@alice:test": 100}})");
    CHECK(levels.status == 400);
    CHECK(levels.errcode() == "M_BAD_JSON");
    const auto create = server.put("alice", room_path(room_id, "/state/m.room.create"), R"({"room_version": "12"})");
    CHECK(create.status == 400);
    CHECK(create.errcode() == "M_BAD_STATE");
    CHECK(server.put("alice", room_path(room_id, "/state/m.room.power_levels"), R"({"users": {"@bob:test": 100}})").status == 200);
}

TEST_CASE("only rooms of versions before 12 say with which event their predecessor ended", "[expectations]") {
    HomeserverFixture server;
    const auto predecessor = [&](const std::string& version) {
        const auto old_id = server.create_room("alice");
        const auto upgraded = server.post("alice", room_path(old_id, "/upgrade"), R"({"new_version": ")" + version + R"("})");
        REQUIRE(upgraded.status == 200);
        const auto create = server.get("alice", room_path(upgraded.text("replacement_room"), "/state/m.room.create"));
        auto out = create.body.at("predecessor").as_object();
        CHECK(out.at("room_id").as_string() == old_id);
        return out;
    };
    CHECK(!predecessor("12").contains("event_id"));
    CHECK(predecessor("11").contains("event_id"));
}
