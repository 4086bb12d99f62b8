// What clients used before /sync, and rooms that one looks into from outside.
#include "sync_client.hpp"

using namespace weft;
using namespace weft::test;
namespace json = boost::json;

namespace {

constexpr auto kOpen = R"({"preset": "public_chat", "initial_state": [
    {"type": "m.room.history_visibility", "content": {"history_visibility": "world_readable"}}]})";

Strings chunk(const json::value& list) {
    std::vector<json::object> events;
    for (const auto& event : list.as_array()) events.push_back(event.as_object());
    return told(events);
}

}  // namespace

TEST_CASE("initialSync tells of all rooms, and events goes on from there", "[oldsync]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room("alice");
    const auto invited = fixture.create_room("bob");
    fixture.change("bob", invited, "invite", "alice");
    fixture.say("alice", room, "hello");

    const auto first = fixture.get("alice", "/initialSync?limit=2");
    REQUIRE(first.status == 200);
    REQUIRE(first.body.at("rooms").as_array().size() == 2);
    for (const auto& entry : first.body.at("rooms").as_array()) {
        const auto& shown = entry.as_object();
        if (text_at(shown, "room_id") == invited) {
            CHECK(text_at(shown, "membership") == "invite");
            CHECK(text_at(shown.at("invite").as_object(), "type") == "m.room.member");
        } else {
            CHECK(text_at(shown, "membership") == "join");
            CHECK(chunk(shown.at("messages").at("chunk")).back() == "hello");
            CHECK(shown.at("state").as_array().size() > 3);
        }
    }
    fixture.say("alice", room, "more");
    const auto events = fixture.get("alice", "/events?timeout=0&from=" + first.text("end"));
    REQUIRE(events.status == 200);
    CHECK(chunk(events.body.at("chunk")).front() == "more");
    CHECK(fixture.get("alice", "/events?timeout=0&from=" + events.text("end"))
              .body.at("chunk")
              .as_array()
              .empty());
    CHECK(fixture.get("alice", "/events?from=x").errcode() == "M_INVALID_PARAM");
}

TEST_CASE("anybody can look into a room whose history is open to the world", "[oldsync]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room("alice", kOpen);
    const auto closed = fixture.create_room("alice");
    fixture.say("alice", room, "hello");

    const auto seen = fixture.get("eve", "/rooms/" + room + "/initialSync");
    REQUIRE(seen.status == 200);
    CHECK_FALSE(seen.body.contains("membership"));
    CHECK(chunk(seen.body.at("messages").at("chunk")).back() == "hello");
    const auto start = fixture.get("eve", "/events?timeout=0&room_id=" + room).text("end");
    fixture.say("alice", room, "news");
    CHECK(chunk(fixture.get("eve", fmt::format("/events?timeout=0&room_id={}&from={}", room, start))
                    .body.at("chunk")) == Strings{"news"});
    CHECK(fixture.get("eve", "/rooms/" + closed + "/initialSync").errcode() == "M_FORBIDDEN");
    CHECK(fixture.get("eve", "/events?timeout=0&room_id=" + closed).errcode() == "M_FORBIDDEN");
    CHECK(fixture.get("eve", "/events?timeout=0&room_id=x").errcode() == "M_INVALID_PARAM");
}

TEST_CASE("a single event is found without its room", "[oldsync]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room("alice");
    const auto event = fixture.say("alice", room, "hello");
    CHECK(fixture.get("alice", "/events/" + event).body.at("content").at("body") == "hello");
    CHECK(fixture.get("eve", "/events/" + event).errcode() == "M_NOT_FOUND");
    CHECK(fixture.get("alice", "/events/$nothing").errcode() == "M_NOT_FOUND");
}

TEST_CASE("a poll for events is woken by a message", "[oldsync]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room("alice");
    const auto start = fixture.get("alice", "/events?timeout=0").text("end");
    std::optional<json::object> got;
    auto poll = [&](std::string path) -> Task<void> {
        auto answer =
            co_await fixture.request(*fixture.master, http::Method::kGet, "alice", std::move(path), "");
        got = std::move(answer.body);
    };
    core::BackgroundTasks tasks{fixture.io.get_executor()};
    tasks.spawn("poll", [&] { return poll("/events?timeout=30000&from=" + start); });
    fixture.say("alice", room, "wake up");
    fixture.run_until([&] { return got.has_value(); });
    CHECK(chunk(got->at("chunk")) == Strings{"wake up"});
    fixture.run(tasks.stop());
}
