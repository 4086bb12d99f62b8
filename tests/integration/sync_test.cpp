// What a sync tells of joined rooms: timelines and state.
#include "sync_client.hpp"

using namespace weft;
using namespace weft::test;
namespace json = boost::json;

namespace {

constexpr auto kLazy = R"({"room": {"state": {"lazy_load_members": true}}})";

/// A room of Alice's with Bob in it, and Bob's client, which knows all of it.
struct Chat {
    explicit Chat(HomeserverFixture& fixture, const std::string& filter = {})
        : room_id{fixture.create_room("alice")}, bob{fixture, "bob", filter} {
        fixture.join("bob", room_id);
        bob.sync();
    }
    std::string room_id;
    SyncClient bob;
};

}  // namespace

TEST_CASE("a first sync tells of all joined rooms: state, timeline and summary", "[sync]") {
    HomeserverFixture fixture;
    const auto room_id = fixture.create_room("alice", R"({"preset": "public_chat", "topic": "news"})");
    fixture.join("bob", room_id);
    fixture.say("alice", room_id, "hello");
    fixture.create_room("carol");
    SyncClient bob{fixture, "bob"};

    const auto answer = bob.sync();

    REQUIRE(part(answer, {"rooms", "join"})->as_object().size() == 1);
    const auto timeline = joined_timeline(answer, room_id);
    CHECK(timeline.size() <= 10);
    CHECK(timeline.back() == "hello");
    auto all = joined_state(answer, room_id);
    all.insert(all.end(), timeline.begin(), timeline.end());
    for (const auto* type : {"m.room.create", "m.room.power_levels", "m.room.topic", "alice join", "bob join"}) CHECK(has(all, type));
    const auto& summary = part(answer, {"rooms", "join", room_id, "summary"})->as_object();
    CHECK(summary.at("m.joined_member_count") == 2);
    CHECK(summary.at("m.heroes") == json::array{"@alice:test"});
}

TEST_CASE("a timeline that ends at the room's beginning is not limited, a shorter one is", "[sync]") {
    HomeserverFixture fixture;
    const auto room_id = fixture.create_room("alice");

    SyncClient whole{fixture, "alice", R"({"room": {"timeline": {"limit": 50}}})"};
    const auto all = whole.sync();
    SyncClient part_of_it{fixture, "alice", R"({"room": {"timeline": {"limit": 2}}})"};
    const auto some = part_of_it.sync();

    CHECK_FALSE(is_limited(all, room_id));
    CHECK(joined_timeline(all, room_id).front() == "m.room.create");
    CHECK(joined_state(all, room_id).empty());
    CHECK(is_limited(some, room_id));
    CHECK(joined_timeline(some, room_id).size() == 2);
    CHECK(joined_state(some, room_id).size() == joined_timeline(all, room_id).size() - 2);
}

TEST_CASE("what happens comes once, in order, with the next sync", "[sync]") {
    HomeserverFixture fixture;
    Chat chat{fixture};
    fixture.say("alice", chat.room_id, "one");
    fixture.say("bob", chat.room_id, "two");

    const auto first = chat.bob.sync();
    fixture.say("alice", chat.room_id, "three");
    const auto second = chat.bob.sync();
    const auto third = chat.bob.sync();

    CHECK(joined_timeline(first, chat.room_id) == Strings{"one", "two"});
    CHECK_FALSE(is_limited(first, chat.room_id));
    CHECK(joined_state(first, chat.room_id).empty());
    CHECK(joined_timeline(second, chat.room_id) == Strings{"three"});
    CHECK_FALSE(third.contains("rooms"));
}

TEST_CASE("an answer that was lost comes again", "[sync]") {
    HomeserverFixture fixture;
    Chat chat{fixture};
    fixture.say("alice", chat.room_id, "one");

    const auto lost = chat.bob.peek();
    const auto again = chat.bob.peek();

    CHECK(joined_timeline(lost, chat.room_id) == Strings{"one"});
    CHECK(joined_timeline(again, chat.room_id) == Strings{"one"});
}

TEST_CASE("a limited timeline comes with the state that changed in the gap, and a token to fill it", "[sync]") {
    HomeserverFixture fixture;
    Chat chat{fixture, R"({"room": {"timeline": {"limit": 2}}})"};
    fixture.set_state("alice", chat.room_id, "m.room.topic", R"({"topic": "first"})");
    fixture.set_state("alice", chat.room_id, "m.room.topic", R"({"topic": "second"})");
    fixture.say("alice", chat.room_id, "in the gap");
    fixture.set_state("alice", chat.room_id, "m.room.name", R"({"name": "shown"})");
    fixture.say("alice", chat.room_id, "last");

    const auto answer = chat.bob.sync();

    CHECK(is_limited(answer, chat.room_id));
    CHECK(joined_timeline(answer, chat.room_id) == Strings{"m.room.name", "last"});
    const auto state = events(answer, {"rooms", "join", chat.room_id, "state"});
    REQUIRE(state.size() == 1);
    CHECK(text_at(state.front().at("content").as_object(), "topic") == "second");
    const auto gap = fixture.get("bob", fmt::format("/rooms/{}/messages?dir=b&limit=3&from={}", chat.room_id, prev_batch(answer, chat.room_id)));
    REQUIRE(gap.status == 200);
    CHECK(text_at(gap.body.at("chunk").as_array().at(0).as_object().at("content").as_object(), "body") == "in the gap");
    CHECK(gap.body.at("chunk").as_array().size() == 3);
}

TEST_CASE("the state before a timeline is the one at its start, not at its end", "[sync]") {
    HomeserverFixture fixture;
    const auto room_id = fixture.create_room("alice");
    fixture.set_state("alice", room_id, "m.room.topic", R"({"topic": "before"})");
    fixture.say("alice", room_id, "first shown");
    fixture.set_state("alice", room_id, "m.room.topic", R"({"topic": "after"})");
    SyncClient alice{fixture, "alice", R"({"room": {"timeline": {"limit": 2}}})"};

    const auto answer = alice.sync();

    CHECK(joined_timeline(answer, room_id) == Strings{"first shown", "m.room.topic"});
    bool found = false;
    for (const auto& event : events(answer, {"rooms", "join", room_id, "state"})) {
        if (text_at(event, "type") != "m.room.topic") continue;
        found = true;
        CHECK(text_at(event.at("content").as_object(), "topic") == "before");
    }
    CHECK(found);
}

TEST_CASE("full_state repeats the state, but not the timeline", "[sync]") {
    HomeserverFixture fixture;
    Chat chat{fixture};
    fixture.say("alice", chat.room_id, "old");
    chat.bob.sync();
    fixture.say("alice", chat.room_id, "new");

    const auto answer = chat.bob.sync("full_state=true");
    const auto quiet = chat.bob.sync("full_state=true&timeout=10000");

    CHECK(joined_timeline(answer, chat.room_id) == Strings{"new"});
    for (const auto* type : {"m.room.create", "alice join", "bob join"}) CHECK(has(joined_state(answer, chat.room_id), type));
    CHECK(joined_timeline(quiet, chat.room_id).empty());
    CHECK(joined_state(quiet, chat.room_id) == joined_state(answer, chat.room_id));
}

TEST_CASE("lazily loaded members are those who speak, once for each device", "[sync]") {
    HomeserverFixture fixture;
    const auto room_id = fixture.create_room("alice");
    for (const auto* user : {"bob", "carol", "dora", "emil", "fred", "gina", "hugo", "ines"}) fixture.join(user, room_id);
    for (int n = 0; n < 10; ++n) fixture.say("carol", room_id, "x");
    SyncClient bob{fixture, "bob", kLazy};
    const auto members = [&](const json::object& answer) {
        Strings out;
        for (auto& item : joined_state(answer, room_id)) {
            if (item.ends_with(" join")) out.push_back(std::move(item));
        }
        return out;
    };

    const auto first = bob.sync();
    // The user, who speaks, and five whom the room without a name is called after.
    CHECK(members(first) == Strings{"alice join", "bob join", "carol join", "dora join", "emil join", "fred join"});
    fixture.say("carol", room_id, "again");
    CHECK(members(bob.sync()).empty());
    fixture.say("ines", room_id, "hello");
    CHECK(members(bob.peek()) == Strings{"ines join"});
    CHECK(members(bob.sync()) == Strings{"ines join"});  // the answer before was lost
    fixture.say("ines", room_id, "hello again");
    CHECK(members(bob.sync()).empty());
    SyncClient tablet{fixture, "bob/TABLET", kLazy};
    CHECK(has(members(tablet.sync()), "ines join"));
}

TEST_CASE("who comes in and speaks is not told of twice", "[sync]") {
    HomeserverFixture fixture;
    Chat chat{fixture, kLazy};
    fixture.join("carol", chat.room_id);
    fixture.say("carol", chat.room_id, "hi");
    const auto both = chat.bob.sync();
    fixture.say("carol", chat.room_id, "there");

    CHECK(joined_timeline(both, chat.room_id) == Strings{"carol join", "hi"});
    CHECK(joined_state(both, chat.room_id).empty());
    CHECK(joined_state(chat.bob.sync(), chat.room_id).empty());
}

TEST_CASE("redundant members come where they are asked for", "[sync]") {
    HomeserverFixture fixture;
    Chat chat{fixture, R"({"room": {"state": {"lazy_load_members": true, "include_redundant_members": true}}})"};

    fixture.say("alice", chat.room_id, "one");
    CHECK(joined_state(chat.bob.sync(), chat.room_id) == Strings{"alice join"});
    fixture.say("alice", chat.room_id, "two");
    CHECK(joined_state(chat.bob.sync(), chat.room_id) == Strings{"alice join"});
}

TEST_CASE("members who changed in a gap come although they are loaded lazily", "[sync]") {
    HomeserverFixture fixture;
    const auto room_id = fixture.create_room("alice");
    fixture.join("bob", room_id);
    fixture.join("carol", room_id);
    SyncClient bob{fixture, "bob", R"({"room": {"state": {"lazy_load_members": true}, "timeline": {"limit": 1}}})"};
    bob.sync();
    fixture.change("carol", room_id, "leave");
    fixture.say("alice", room_id, "gone");

    const auto answer = bob.sync();

    CHECK(is_limited(answer, room_id));
    CHECK(has(joined_state(answer, room_id), "carol leave"));
    CHECK(part(answer, {"device_lists", "left"})->as_array() == json::array{"@carol:test"});
}

TEST_CASE("filters choose events by type and sender, and what they hide of the state comes as state", "[sync]") {
    HomeserverFixture fixture;
    Chat messages{fixture, R"({"room": {"timeline": {"types": ["m.room.message"]}}})"};
    Chat no_messages{fixture, R"({"room": {"timeline": {"not_types": ["m.room.mess*"]}}})"};
    Chat not_alice{fixture, R"({"room": {"timeline": {"not_senders": ["@alice:test"]}}})"};
    Chat nothing{fixture, R"({"room": {"timeline": {"types": []}}})"};
    for (auto* chat : {&messages, &no_messages, &not_alice, &nothing}) {
        fixture.set_state("alice", chat->room_id, "m.room.topic", R"({"topic": "x"})");
        fixture.say("alice", chat->room_id, "from alice");
        fixture.say("bob", chat->room_id, "from bob");
    }
    const auto of = [](Chat& chat) {
        const auto answer = chat.bob.sync();
        return std::pair{joined_timeline(answer, chat.room_id), joined_state(answer, chat.room_id)};
    };

    CHECK(of(messages) == std::pair{Strings{"from alice", "from bob"}, Strings{"m.room.topic"}});
    CHECK(of(no_messages) == std::pair{Strings{"m.room.topic"}, Strings{}});
    CHECK(of(not_alice) == std::pair{Strings{"from bob"}, Strings{"m.room.topic"}});
    CHECK(of(nothing) == std::pair{Strings{}, Strings{"m.room.topic"}});
}

TEST_CASE("a timeline that its filter leaves little of goes further back", "[sync]") {
    HomeserverFixture fixture;
    Chat chat{fixture, R"({"room": {"timeline": {"types": ["m.room.message"], "limit": 3}}})"};
    for (const auto* text : {"one", "two", "three", "four"}) fixture.say("alice", chat.room_id, text);
    for (int n = 0; n < 20; ++n) fixture.set_state("alice", chat.room_id, "m.room.topic", fmt::format(R"({{"topic": "{}"}})", n));

    const auto answer = chat.bob.sync();

    CHECK(joined_timeline(answer, chat.room_id) == Strings{"two", "three", "four"});
    CHECK(is_limited(answer, chat.room_id));
    CHECK(joined_state(answer, chat.room_id) == Strings{"m.room.topic"});
}

TEST_CASE("an empty timeline can be asked for, and continued from its end", "[sync]") {
    HomeserverFixture fixture;
    Chat chat{fixture, R"({"room": {"timeline": {"limit": 0}}})"};
    fixture.say("alice", chat.room_id, "hidden");

    const auto answer = chat.bob.sync();
    const auto page = fixture.get("bob", fmt::format("/rooms/{}/messages?dir=b&limit=1&from={}", chat.room_id, prev_batch(answer, chat.room_id)));

    CHECK(is_limited(answer, chat.room_id));
    CHECK(joined_timeline(answer, chat.room_id).empty());
    REQUIRE(page.status == 200);
    CHECK(told({page.body.at("chunk").as_array().at(0).as_object()}) == Strings{"hidden"});
}

TEST_CASE("rooms can be filtered, fields be left out and filters be stored", "[sync]") {
    HomeserverFixture fixture;
    const auto wanted = fixture.create_room("alice");
    const auto other = fixture.create_room("alice");
    const auto only_one = fmt::format(R"({{"room": {{"rooms": ["{}"]}}, "event_fields": ["type", "content.body"]}})", wanted);
    const auto stored = fixture.post("alice", "/user/@alice:test/filter", only_one).text("filter_id");
    fixture.say("alice", wanted, "hello");
    fixture.say("alice", other, "hello");
    SyncClient alice{fixture, "alice", stored};

    const auto answer = alice.sync();

    CHECK(part(answer, {"rooms", "join"})->as_object().size() == 1);
    CHECK(events(answer, {"rooms", "join", wanted, "timeline"}).back() ==
          json::object{{"type", "m.room.message"}, {"content", {{"body", "hello"}}}});
    CHECK(fixture.get("alice", "/sync?filter=4711").errcode() == "M_INVALID_PARAM");
    CHECK(fixture.get("alice", "/sync?filter=%7Bx").status == 400);
    CHECK(fixture.get("alice", "/sync?since=nonsense").errcode() == "M_INVALID_PARAM");
}

TEST_CASE("transaction IDs come back to the device that made them, and to no other", "[sync]") {
    HomeserverFixture fixture;
    Chat chat{fixture};
    SyncClient phone{fixture, "alice/PHONE"};
    SyncClient laptop{fixture, "alice/LAPTOP"};
    auto& worker = fixture.start_worker("synchrotron1");
    SyncClient elsewhere{fixture, "alice/PHONE"};
    elsewhere.move_to(worker);
    for (auto* client : {&phone, &laptop, &elsewhere}) client->sync();
    REQUIRE(fixture.put("alice/PHONE", fmt::format("/rooms/{}/send/m.room.message/mine", chat.room_id), R"({"body": "x"})").status == 200);
    fixture.run_until([&] { return worker.streams.events.current() == fixture.master->streams.events.current(); });
    const auto transaction = [&](SyncClient& client) {
        const auto event = events(client.sync(), {"rooms", "join", chat.room_id, "timeline"}).back();
        return text_at(event.at("unsigned").as_object(), "transaction_id");
    };

    CHECK(transaction(phone) == "mine");
    CHECK(transaction(elsewhere) == "mine");
    CHECK(transaction(laptop).empty());
    CHECK(transaction(chat.bob).empty());
}

TEST_CASE("redacted events are shown without their content, and why", "[sync]") {
    HomeserverFixture fixture;
    Chat chat{fixture};
    const auto message = fixture.say("alice", chat.room_id, "secret");
    REQUIRE(fixture.put("alice", fmt::format("/rooms/{}/redact/{}/1", chat.room_id, message)).status == 200);

    const auto timeline = events(chat.bob.sync(), {"rooms", "join", chat.room_id, "timeline"});

    REQUIRE(timeline.size() == 2);
    CHECK(timeline[0].at("content").as_object().empty());
    CHECK(part(timeline[0], {"unsigned", "redacted_because", "type"})->as_string() == "m.room.redaction");
    CHECK(text_at(timeline[1], "type") == "m.room.redaction");
    CHECK(text_at(timeline[1], "redacts") == message);
}

TEST_CASE("a room with a fork shows the state at the start of its timeline", "[sync]") {
    HomeserverFixture fixture;
    Chat chat{fixture, R"({"room": {"timeline": {"limit": 1}}})"};
    fixture.set_state("alice", chat.room_id, "m.room.topic", R"({"topic": "one"})");
    const auto branch = fixture.say("alice", chat.room_id, "branch");
    fixture.set_state("alice", chat.room_id, "m.room.topic", R"({"topic": "two"})");
    // As if another server had answered to the event in between.
    fixture.sql(fmt::format("INSERT INTO event_forward_extremities (event_id, room_id) VALUES ('{}', '{}')", branch, chat.room_id));
    fixture.restart_master();
    SyncClient alice{fixture, "alice", R"({"room": {"timeline": {"limit": 1}}})"};
    fixture.say("alice", chat.room_id, "merged");

    const auto answer = alice.sync();

    CHECK(joined_timeline(answer, chat.room_id) == Strings{"merged"});
    Strings topics;
    for (const auto& event : events(answer, {"rooms", "join", chat.room_id, "state"})) {
        if (text_at(event, "type") == "m.room.topic") topics.push_back(text_at(event.at("content").as_object(), "topic"));
    }
    CHECK(topics == Strings{"two"});
}

TEST_CASE("a name that is empty leaves a room to be called after its members", "[sync]") {
    HomeserverFixture fixture;
    const auto room_id = fixture.create_room("alice", R"({"preset": "public_chat", "name": "Club"})");
    fixture.join("bob", room_id);
    SyncClient bob{fixture, "bob"};
    const auto named = bob.sync();
    fixture.set_state("alice", room_id, "m.room.name", R"({"name": ""})");

    const auto unnamed = bob.sync("full_state=true");

    CHECK_FALSE(part(named, {"rooms", "join", room_id, "summary", "m.heroes"}));
    CHECK(part(unnamed, {"rooms", "join", room_id, "summary", "m.heroes"})->as_array() == json::array{"@alice:test"});
}
