// Search in the messages of rooms.
#include "sync_client.hpp"

using namespace weft;
using namespace weft::test;
namespace json = boost::json;

namespace {

json::object criteria(const std::string& term, json::object more = {}) {
    more["search_term"] = term;
    return more;
}

HomeserverFixture::Answer search(HomeserverFixture& fixture, const std::string& token,
                                 const json::object& wanted, const std::string& query = {}) {
    return fixture.post(token, "/search" + query,
                        proto::to_json(json::object{{"search_categories", {{"room_events", wanted}}}}));
}

json::object results(const HomeserverFixture::Answer& answer) {
    INFO(proto::to_json(answer.body));
    REQUIRE(answer.status == 200);
    return part(answer.body, {"search_categories", "room_events"})->as_object();
}

Strings found(const json::object& results) {
    std::vector<json::object> list;
    for (const auto& result : results.at("results").as_array())
        list.push_back(result.at("result").as_object());
    return told(list);
}

}  // namespace

TEST_CASE("search finds words in the rooms of the user, newest first or best first", "[search]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room("alice");
    const auto other = fixture.create_room("bob");
    fixture.say("alice", room, "martians came by night");
    fixture.say("alice", room, "nothing of interest");
    fixture.say("alice", room, "a martian and another martian");
    fixture.say("bob", other, "martians elsewhere");

    const auto recent = results(search(fixture, "alice", criteria("martians", {{"order_by", "recent"}})));
    CHECK(found(recent) == Strings{"a martian and another martian", "martians came by night"});
    CHECK(recent.at("count") == 2);
    CHECK(recent.at("highlights") == json::array{"martian", "martians"});
    const auto best = results(search(fixture, "alice", criteria("martians")));
    CHECK(found(best).front() == "a martian and another martian");
    CHECK(found(results(search(fixture, "alice", criteria("venus")))).empty());
}

TEST_CASE("search obeys filter and keys, and refuses what it does not know", "[search]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room("alice", R"({"preset": "public_chat", "topic": "weather report"})");
    const auto second = fixture.create_room("alice");
    fixture.join("bob", room);
    fixture.say("alice", room, "weather today");
    fixture.say("bob", room, "weather tomorrow");
    fixture.say("alice", second, "weather elsewhere");
    const auto of = [&](json::object more) {
        more["order_by"] = "recent";
        return found(results(search(fixture, "alice", criteria("weather", std::move(more)))));
    };

    CHECK(of({{"keys", {"content.topic"}}}) == Strings{"m.room.topic"});
    CHECK(of({{"filter", {{"senders", {"@bob:test"}}}}}) == Strings{"weather tomorrow"});
    CHECK(of({{"filter", {{"rooms", {second}}}}}) == Strings{"weather elsewhere"});
    CHECK(of({{"filter", {{"not_rooms", {room}}}}}) == Strings{"weather elsewhere"});
    CHECK(of({{"filter", {{"types", {"m.room.topic"}}}}}) == Strings{"m.room.topic"});
    CHECK(search(fixture, "alice", criteria("x", {{"order_by", "best"}})).errcode() == "M_INVALID_PARAM");
    CHECK(search(fixture, "alice", criteria("x", {{"keys", {"content.other"}}})).errcode() ==
          "M_INVALID_PARAM");
    CHECK(search(fixture, "alice", {}).errcode() == "M_MISSING_PARAM");
    CHECK(search(fixture, "alice", criteria("x"), "?next_batch=x").errcode() == "M_INVALID_PARAM");
    CHECK(search(fixture, "alice", criteria("x", {{"groupings", {{"group_by", {{{"key", "type"}}}}}}}))
              .errcode() == "M_INVALID_PARAM");
    CHECK(fixture.post("alice", "/search", "{}").errcode() == "M_MISSING_PARAM");
}

TEST_CASE("search results come in pages, in groups, with context, profiles and state", "[search]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room("alice");
    const auto second = fixture.create_room("alice");
    fixture.say("alice", room, "before");
    fixture.say("alice", room, "needle one");
    fixture.say("alice", room, "after");
    fixture.say("alice", second, "needle two");
    fixture.say("alice", room, "needle three");
    const json::object grouped{{"order_by", "recent"},
                               {"filter", {{"limit", 2}}},
                               {"groupings", {{"group_by", {{{"key", "room_id"}}, {{"key", "sender"}}}}}}};

    const auto first = results(search(fixture, "alice", criteria("needle", grouped)));
    CHECK(found(first) == Strings{"needle three", "needle two"});
    CHECK(part(first, {"groups", "room_id", room, "order"})->as_int64() == 1);
    CHECK(part(first, {"groups", "sender", "@alice:test", "results"})->as_array().size() == 2);
    const auto rest = results(
        search(fixture, "alice", criteria("needle", grouped), "?next_batch=" + text_at(first, "next_batch")));
    CHECK(found(rest) == Strings{"needle one"});
    CHECK_FALSE(rest.contains("next_batch"));
    const auto of_room = std::string{part(first, {"groups", "room_id", room, "next_batch"})->as_string()};
    CHECK(found(results(search(fixture, "alice", criteria("needle", grouped), "?next_batch=" + of_room))) ==
          Strings{"needle one"});

    const auto full = results(search(
        fixture, "alice",
        criteria("one",
                 {{"include_state", true},
                  {"event_context", {{"before_limit", 1}, {"after_limit", 1}, {"include_profile", true}}}})));
    const auto& context = full.at("results").at(0).at("context").as_object();
    CHECK(context.at("events_before").at(0).at("content").at("body") == "before");
    CHECK(context.at("events_after").at(0).at("content").at("body") == "after");
    CHECK(context.at("profile_info").as_object().contains("@alice:test"));
    CHECK(full.at("state").as_object().at(room).as_array().size() > 3);
}

TEST_CASE("search shows nothing that the user may not see", "[search]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room("alice", R"({"preset": "public_chat", "initial_state": [
        {"type": "m.room.history_visibility", "content": {"history_visibility": "joined"}}]})");
    fixture.say("alice", room, "secret before");
    fixture.join("bob", room);
    const auto shown = fixture.say("alice", room, "secret while there");
    fixture.change("bob", room, "leave");
    fixture.say("alice", room, "secret after");

    CHECK(found(results(search(fixture, "bob", criteria("secret")))) == Strings{"secret while there"});
    CHECK(found(results(search(fixture, "carol", criteria("secret")))).empty());
    REQUIRE(fixture.put("alice", fmt::format("/rooms/{}/redact/{}/search", room, shown)).status == 200);
    CHECK(found(results(search(fixture, "bob", criteria("secret")))).empty());
}

TEST_CASE("a search in a room finds what was said in those that it replaced", "[search]") {
    HomeserverFixture fixture;
    const auto old_room = fixture.create_room("alice");
    fixture.say("alice", old_room, "zebra of old");
    const auto other = fixture.create_room("alice");
    fixture.say("alice", other, "zebra elsewhere");
    const auto upgrade = fixture.post("alice", "/rooms/" + old_room + "/upgrade", R"({"new_version": "11"})");
    const auto room = upgrade.text("replacement_room");
    fixture.say("alice", room, "zebra of today");

    const json::object search{
        {"search_term", "zebra"}, {"order_by", "recent"}, {"filter", {{"rooms", {room}}}}};
    const auto answer = fixture.post(
        "alice", "/search", proto::to_json(json::object{{"search_categories", {{"room_events", search}}}}));

    Strings bodies;
    for (const auto& result : answer.body.at("search_categories").at("room_events").at("results").as_array())
        bodies.emplace_back(result.at("result").at("content").at("body").as_string());
    CHECK(bodies == Strings{"zebra of today", "zebra of old"});
}
