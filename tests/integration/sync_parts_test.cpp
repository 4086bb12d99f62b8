// The first sync of somebody who is in many rooms: it comes in parts, and says what the same sync says at once.
#include <fmt/format.h>

#include "sync_client.hpp"

using namespace weft;
using namespace weft::test;
namespace json = boost::json;

namespace {

constexpr int kJoined = 40;
constexpr int kLeft = 20;

std::string name_of(int n) { return fmt::format(R"({{"preset": "public_chat", "name": "Room {}"}})", n); }

/// Bob, who is and was in many rooms, and is asked into some.
struct ManyRooms : HomeserverFixture {
    ManyRooms() {
        for (int n = 0; n < kJoined + kLeft; ++n) {
            const auto room_id = create_room("alice", name_of(n));
            join("bob", room_id);
            say("alice", room_id, fmt::format("hello {}", n));
            if (n < kJoined) {
                joined.push_back(room_id);
            } else {
                change("bob", room_id, "leave");
                left.push_back(room_id);
            }
        }
        put("bob", "/user/@bob:test/rooms/" + joined.back() + "/tags/u.work", R"({"order": 0.5})");
        put("bob", "/user/@bob:test/account_data/org.example.colour", R"({"colour": "madder"})");
        for (int n = 0; n < 2; ++n) {
            invited.push_back(create_room("alice", R"({"preset": "private_chat", "name": "Den"})"));
            change("alice", invited.back(), "invite", "bob");
        }
    }

    http::BodyStreamPtr open(const std::string& query = {}) {
        auto response = run(raw_request(*master, http::Method::kGet, "bob/OTHER", "/sync?" + query, {}));
        REQUIRE(response.status == 200);
        REQUIRE(response.body_stream);
        return response.body_stream;
    }
    json::object rest_of(const http::BodyStreamPtr& parts, std::string begun = {}) {
        begun += run(http::read_all(parts, kAnswerBytesMax));
        return proto::parse_json_object(begun).value();
    }

    Strings joined;
    Strings left;
    Strings invited;
};

std::string filter(const std::string& rooms = {}) {
    const auto only = rooms.empty() ? "" : fmt::format(R"("rooms": ["{}"], )", rooms);
    return "filter=" + http::percent_encode(fmt::format(R"({{"room": {{{} "include_leave": true}}}})", only));
}

/// Without what counts the time that has passed.
json::value without_age(json::value value) {
    if (auto* const list = value.if_array()) {
        for (auto& item : *list) item = without_age(std::move(item));
    } else if (auto* const object = value.if_object()) {
        object->erase("age");
        for (auto& member : *object) member.value() = without_age(std::move(member.value()));
    }
    return value;
}

}  // namespace

TEST_CASE("a first sync in parts tells of each room what a sync of that room tells", "[sync]") {
    ManyRooms home;
    const auto answer = home.rest_of(home.open(filter()));

    CHECK(part(answer, {"rooms", "join"})->as_object().size() == home.joined.size());
    CHECK(part(answer, {"rooms", "leave"})->as_object().size() == home.left.size());
    CHECK(part(answer, {"rooms", "invite"})->as_object().size() == home.invited.size());
    for (const auto& [section, rooms] : {std::pair{"join", &home.joined}, {"leave", &home.left}, {"invite", &home.invited}}) {
        for (const auto& room_id : *rooms) {
            const auto alone = home.get("bob/OTHER", "/sync?" + filter(room_id));
            INFO(section << " " << room_id);
            REQUIRE(part(alone.body, {"rooms", section, room_id}));
            REQUIRE(part(answer, {"rooms", section, room_id}));
            CHECK(without_age(*part(answer, {"rooms", section, room_id})) == without_age(*part(alone.body, {"rooms", section, room_id})));
        }
    }
    CHECK(has(told(events(answer, {"account_data"})), "org.example.colour"));
    CHECK(events(answer, {"rooms", "join", home.joined.back(), "account_data"}).size() == 1);
    CHECK(answer.contains("device_one_time_keys_count"));
}

TEST_CASE("after a first sync in parts nothing is missed and nothing is told again", "[sync]") {
    ManyRooms home;
    const auto parts = home.open();
    auto begun = home.run(parts->next()) + home.run(parts->next());
    // While the answer is on its way.
    home.say("alice", home.joined.back(), "meanwhile");
    const auto answer = home.rest_of(parts, std::move(begun));
    SyncClient bob{home, "bob/OTHER"};
    bob.since = text_at(answer, "next_batch");

    CHECK_FALSE(has(joined_timeline(answer, home.joined.back()), "meanwhile"));
    CHECK(bob.timeline_of(home.joined.back()) == Strings{"meanwhile"});
    CHECK_FALSE(bob.sync().contains("rooms"));
}

TEST_CASE("who is put out of a room while a first sync is on its way sees no more of it there", "[sync]") {
    ManyRooms home;
    const auto parts = home.open();
    auto begun = home.run(parts->next());
    for (const auto& room_id : home.joined) {
        home.change("alice", room_id, "kick", "bob");
        home.set_state("alice", room_id, "m.room.topic", R"({"topic": "secret"})");
    }
    const auto answer = home.rest_of(parts, std::move(begun));
    SyncClient bob{home, "bob/OTHER"};
    bob.since = text_at(answer, "next_batch");

    CHECK(part(answer, {"rooms", "join"})->as_object().empty());
    const auto next = bob.sync();
    CHECK(part(next, {"rooms", "leave"})->as_object().size() == home.joined.size());
}

TEST_CASE("a first sync of large rooms is made a piece at a time", "[sync]") {
    HomeserverFixture home;
    constexpr int kEventsEach = 900;
    json::array state;
    for (int n = 0; n < kEventsEach; ++n)
        state.push_back(json::object{{"type", "org.example.loom"}, {"state_key", std::to_string(n)}, {"content", json::object()}});
    Strings rooms;
    for (int n = 0; n < kJoined; ++n) {
        json::object body{{"preset", "public_chat"}};
        // The sixth does not fit into a part with the five before.
        if (n < 6) body["initial_state"] = state;
        rooms.push_back(home.create_room("bob", proto::to_json(body)));
    }
    const auto response = home.run(home.raw_request(*home.master, http::Method::kGet, "bob", "/sync", {}));
    REQUIRE(response.body_stream);
    std::string whole;
    std::size_t greatest = 0;
    for (;;) {
        const auto piece = home.run(response.body_stream->next());
        if (piece.empty()) break;
        greatest = std::max(greatest, piece.size());
        whole += piece;
    }
    const auto answer = proto::parse_json_object(whole).value();
    for (std::size_t n = 0; n < rooms.size(); ++n) {
        const auto state_of_room = events(answer, {"rooms", "join", rooms[n], "state"});
        const auto timeline = events(answer, {"rooms", "join", rooms[n], "timeline"});
        CHECK(state_of_room.size() + timeline.size() >= (n < 6 ? kEventsEach : 4));
    }
    CHECK(greatest < whole.size() * 9 / 10);
}
