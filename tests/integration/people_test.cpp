// Finding people, rooms in common, and reporting what is inappropriate.
#include "sync_client.hpp"

using namespace weft;
using namespace weft::test;
namespace json = boost::json;

namespace {

struct PeopleFixture : HomeserverFixture {
    PeopleFixture() { master->services.user_directory.start(); }

    Strings find(const std::string& token, const std::string& term, int limit = 10) {
        const auto answer = post(token, "/user_directory/search",
                                 proto::to_json(json::object{{"search_term", term}, {"limit", limit}}));
        INFO(proto::to_json(answer.body));
        REQUIRE(answer.status == 200);
        Strings out;
        for (const auto& user : answer.body.at("results").as_array())
            out.push_back(text_at(user.as_object(), "user_id"));
        return out;
    }
    /// The directory follows the rooms by itself.
    void until_found(const std::string& token, const std::string& term, const Strings& expected) {
        Strings now;
        eventually(*this, [&] { return (now = find(token, term)) == expected; });
        CHECK(now == expected);
    }
    void rename(const std::string& token, const std::string& room, const std::string& name) {
        set_state(token, room, "m.room.member",
                  proto::to_json(json::object{{"membership", "join"}, {"displayname", name}}),
                  "@" + token + ":test");
    }
};

}  // namespace

TEST_CASE("people in public rooms and in rooms of one's own are found by name and ID", "[people]") {
    PeopleFixture fixture;
    const auto open = fixture.create_room("alice");
    fixture.join("robert", open);
    fixture.rename("robert", open, "Bob the Builder");
    const auto closed = fixture.create_room("carol", R"({"preset": "private_chat"})");
    fixture.change("carol", closed, "invite", "dave");
    fixture.join("dave", closed);

    fixture.until_found("eve", "build", {"@robert:test"});
    fixture.until_found("eve", "ROB", {"@robert:test"});
    fixture.until_found("carol", "dave", {"@dave:test"});
    CHECK(fixture.find("eve", "dave").empty());
    CHECK(fixture.find("dave", "dave").empty());
    CHECK(fixture.find("eve", "uilder").empty());
    CHECK(fixture.find("eve", "  ").empty());
    CHECK(fixture.find("eve", "bob' & x:*|!(").empty());
}

TEST_CASE("the directory follows people and rooms as they change", "[people]") {
    PeopleFixture fixture;
    const auto room = fixture.create_room("alice");
    fixture.join("bob", room);
    fixture.until_found("eve", "bob", {"@bob:test"});
    fixture.rename("bob", room, "Zebulon");
    fixture.until_found("eve", "zeb", {"@bob:test"});
    fixture.set_state("alice", room, "m.room.join_rules", R"({"join_rule": "invite"})");
    fixture.until_found("eve", "zeb", {});
    fixture.until_found("alice", "zeb", {"@bob:test"});
    fixture.set_state("alice", room, "m.room.history_visibility",
                      R"({"history_visibility": "world_readable"})");
    fixture.until_found("eve", "zeb", {"@bob:test"});
    fixture.change("bob", room, "leave");
    fixture.until_found("alice", "zeb", {});
}

TEST_CASE("a search for people says when there are more", "[people]") {
    PeopleFixture fixture;
    const auto room = fixture.create_room("alice");
    for (const auto* user : {"tim1", "tim2", "tim3"}) fixture.join(user, room);
    fixture.until_found("eve", "tim", {"@tim1:test", "@tim2:test", "@tim3:test"});

    const auto answer =
        fixture.post("eve", "/user_directory/search", R"({"search_term": "tim", "limit": 2})");
    CHECK(answer.body.at("limited") == true);
    CHECK(answer.body.at("results").as_array().size() == 2);
    CHECK(fixture.post("eve", "/user_directory/search", "{}").errcode() == "M_MISSING_PARAM");
    CHECK(fixture.post("eve", "/user_directory/search", R"({"search_term": 1})").errcode() == "M_BAD_JSON");
}

TEST_CASE("rooms in common with another are listed", "[people]") {
    HomeserverFixture fixture;
    const auto shared = fixture.create_room("alice");
    fixture.join("bob", shared);
    fixture.create_room("alice");
    const auto invited = fixture.create_room("alice");
    fixture.change("alice", invited, "invite", "bob");
    const std::string path = "/_matrix/client/v1/mutual_rooms";

    const auto answer = fixture.get("alice", path + "?user_id=@bob:test");
    REQUIRE(answer.status == 200);
    CHECK(answer.body.at("joined") == json::array{shared});
    CHECK(answer.body.at("count") == 1);
    CHECK(fixture.get("alice", path + "?user_id=@alice:test").errcode() == "M_INVALID_PARAM");
    CHECK(fixture.get("alice", path + "?user_id=bob").errcode() == "M_INVALID_PARAM");
    CHECK(fixture.get("alice", path + "?user_id=@bob:test&from=x").errcode() == "M_INVALID_PARAM");
    CHECK(fixture.get("alice", path).status == 400);
}

TEST_CASE("events, rooms and users are reported", "[people]") {
    HomeserverFixture fixture;
    fixture.sql(
        "INSERT INTO users (name, creation_ts, admin, is_guest, deactivated) VALUES ('@bob:test', 0, 0, 0, "
        "0)");
    const auto room = fixture.create_room("alice");
    const auto event = fixture.say("alice", room, "rude");
    const auto report_event = fmt::format("/rooms/{}/report/{}", room, event);

    CHECK(fixture.post("bob", report_event, R"({"reason": "rude"})").errcode() == "M_NOT_FOUND");
    fixture.join("bob", room);
    CHECK(fixture.post("bob", report_event, R"({"reason": "rude", "score": -100})").status == 200);
    CHECK(fixture.post("bob", report_event, R"({"reason": 1})").errcode() == "M_BAD_JSON");
    CHECK(fixture.post("bob", fmt::format("/rooms/{}/report/$nothing", room)).errcode() == "M_NOT_FOUND");
    CHECK(fixture.sql("SELECT user_id, reason FROM event_reports WHERE event_id = '" + event + "'") ==
          std::vector<Strings>{{"@bob:test", "rude"}});

    CHECK(fixture.post("carol", "/rooms/" + room + "/report", R"({"reason": "spam"})").status == 200);
    CHECK(fixture.post("carol", "/rooms/!nowhere:test/report", R"({"reason": "spam"})").errcode() ==
          "M_NOT_FOUND");
    CHECK(fixture.post("carol", "/rooms/" + room + "/report").errcode() == "M_MISSING_PARAM");
    CHECK(fixture.sql("SELECT user_id, reason FROM room_reports") ==
          std::vector<Strings>{{"@carol:test", "spam"}});

    CHECK(fixture.post("carol", "/users/@bob:test/report", R"({"reason": ""})").status == 200);
    CHECK(fixture.post("carol", "/users/@nobody:test/report", R"({"reason": ""})").errcode() ==
          "M_NOT_FOUND");
    CHECK(fixture.sql("SELECT target_user_id, user_id FROM user_reports") ==
          std::vector<Strings>{{"@bob:test", "@carol:test"}});
}

TEST_CASE("what an erased user wrote is kept from those who were not there", "[people]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room("alice");
    fixture.join("eve", room);
    const auto before = fixture.say("eve", room, "secret");
    fixture.join("bob", room);
    const auto after = fixture.say("eve", room, "to both");
    const auto body_of = [&](const std::string& token, const std::string& event_id) {
        const auto answer = fixture.get(token, "/rooms/" + room + "/event/" + http::percent_encode(event_id));
        REQUIRE(answer.status == 200);
        return text_at(answer.body.at("content").as_object(), "body");
    };
    CHECK(body_of("bob", before) == "secret");

    fixture.run(fixture.master->services.accounts.deactivate("@eve:test", handlers::Erase::kErase));

    CHECK(body_of("alice", before) == "secret");
    CHECK(body_of("bob", before).empty());
    CHECK(body_of("bob", after) == "to both");
    const auto page = fixture.get("bob", "/rooms/" + room + "/messages?dir=b&limit=50");
    const auto text = proto::to_json(page.body);
    CHECK(text.find("secret") == std::string::npos);
    CHECK(text.find("to both") != std::string::npos);

    fixture.run(fixture.master->services.accounts.reactivate("@eve:test", "pass word 1"));
    CHECK(body_of("bob", before) == "secret");
}
