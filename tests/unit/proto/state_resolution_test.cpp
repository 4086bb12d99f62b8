#include "weft/proto/state_resolution.hpp"

#include <catch2/catch.hpp>

#include "room_fixture.hpp"

using namespace weft::proto;
using test::object;
using test::Room;
using test::user;

namespace {

const auto kAlice = user("alice");
const auto kBob = user("bob");
const auto kCarol = user("carol");

/// One branch of a fork: its own state, events built upon it.
struct Branch {
    Room& room;
    StateMap state;
    EventId tip;

    EventPtr send(const UserId& sender, std::string type, std::string state_key, json::object content) {
        auto event =
            room.make_at(state, sender, std::move(type), std::move(state_key), std::move(content), {tip});
        state.insert_or_assign(event->key(), event->event_id());
        tip = event->event_id();
        return event;
    }
    EventPtr member(const UserId& sender, const UserId& target, std::string_view membership) {
        return send(sender, "m.room.member", target.str(), json::object{{"membership", membership}});
    }
};

Branch fork(Room& room) {
    return Branch{room, room.state, room.last->event_id()};
}

StateMap resolve_all(const Room& room, const std::vector<StateMap>& sets) {
    return resolve(room.version, sets, [&room](const EventId& id) { return room.load(id); });
}

/// The same whatever the order of the sets.
StateMap resolve_both_ways(const Room& room, const StateMap& a, const StateMap& b) {
    const auto result = resolve_all(room, {a, b});
    CHECK(resolve_all(room, {b, a}) == result);
    return result;
}

EventId at(const StateMap& state, std::string type, std::string state_key = "") {
    const auto found = state.find(StateKey{std::move(type), std::move(state_key)});
    return found == state.end() ? EventId::trusted("absent") : found->second;
}

json::object levels(const Room& room, std::string_view users) {
    auto content = object(R"({"users":{}})");
    if (!room.version.privileged_creators) content["users"].as_object()[kAlice.str()] = 100;
    for (const auto& member : object(users)) content["users"].as_object()[member.key()] = member.value();
    return content;
}

Room three_people(std::string_view version) {
    auto room = Room::with_alice(version, "public");
    room.join("bob");
    room.join("carol");
    room.send(kAlice, "m.room.power_levels", "", levels(room, R"({"@bob:example.org":50})"));
    return room;
}

const std::vector<std::string> kV2Versions = {"2", "6", "10", "11", "12"};

}  // namespace

TEST_CASE("nothing, one state and equal states resolve to themselves", "[state_resolution]") {
    for (const auto& version : RoomVersion::all()) {
        auto room = three_people(version.id);
        CHECK(resolve_all(room, {}).empty());
        CHECK(resolve_all(room, {room.state}) == room.state);
        CHECK(resolve_all(room, {room.state, room.state, room.state}) == room.state);
    }
}

TEST_CASE("changes of different keys are merged", "[state_resolution]") {
    for (const auto& version : RoomVersion::all()) {
        INFO(version.id);
        auto room = three_people(version.id);
        auto left = fork(room);
        auto right = fork(room);
        const auto topic = left.send(kAlice, "m.room.topic", "", object(R"({"topic":"x"})"));
        const auto name = right.send(kBob, "m.room.name", "", object(R"({"name":"y"})"));

        const auto result = resolve_both_ways(room, left.state, right.state);

        CHECK(at(result, "m.room.topic") == topic->event_id());
        CHECK(at(result, "m.room.name") == name->event_id());
        CHECK(result.size() == room.state.size() + 2);
    }
}

TEST_CASE("of two topics the later one stays", "[state_resolution]") {
    for (const auto& version : kV2Versions) {
        INFO(version);
        auto room = three_people(version);
        auto left = fork(room);
        auto right = fork(room);
        left.send(kAlice, "m.room.topic", "", object(R"({"topic":"first"})"));
        const auto second = right.send(kBob, "m.room.topic", "", object(R"({"topic":"second"})"));

        CHECK(at(resolve_both_ways(room, left.state, right.state), "m.room.topic") == second->event_id());
    }
}

TEST_CASE("a ban on one side undoes what the banned one did on the other", "[state_resolution]") {
    for (const auto& version : kV2Versions) {
        INFO(version);
        auto room = three_people(version);
        auto left = fork(room);
        auto right = fork(room);
        const auto ban = left.member(kAlice, kBob, "ban");
        right.send(kBob, "m.room.topic", "", object(R"({"topic":"mine"})"));

        const auto result = resolve_both_ways(room, left.state, right.state);

        CHECK(at(result, "m.room.member", kBob.str()) == ban->event_id());
        CHECK(at(result, "m.room.topic").str() == "absent");
    }
}

TEST_CASE("a ban wins over a rejoin that did not see it", "[state_resolution]") {
    for (const auto& version : kV2Versions) {
        INFO(version);
        auto room = three_people(version);
        auto left = fork(room);
        auto right = fork(room);
        const auto ban = left.member(kBob, kCarol, "ban");
        right.member(kCarol, kCarol, "leave");
        right.member(kCarol, kCarol, "join");

        CHECK(at(resolve_both_ways(room, left.state, right.state), "m.room.member", kCarol.str()) ==
              ban->event_id());
    }
}

TEST_CASE("levels taken away by the stronger one outlast levels set by the weaker one",
          "[state_resolution]") {
    for (const auto& version : kV2Versions) {
        INFO(version);
        auto room = three_people(version);
        auto content = levels(room, R"({"@bob:example.org":50})");
        content["events"] = object(R"({"m.room.power_levels":50})");
        room.send(kAlice, "m.room.power_levels", "", content);
        auto left = fork(room);
        auto right = fork(room);
        // Later in time, but the greater power goes first and Bob's own change then lacks the level.
        content["users"].as_object()[kCarol.str()] = 40;
        right.send(kBob, "m.room.power_levels", "", content);
        const auto demotion =
            left.send(kAlice, "m.room.power_levels", "", levels(room, R"({"@bob:example.org":0})"));

        CHECK(at(resolve_both_ways(room, left.state, right.state), "m.room.power_levels") ==
              demotion->event_id());
    }
}

TEST_CASE("closing the join rules on one side keeps out who joined on the other", "[state_resolution]") {
    for (const auto& version : kV2Versions) {
        INFO(version);
        auto room = three_people(version);
        auto left = fork(room);
        auto right = fork(room);
        const auto closed = left.send(kAlice, "m.room.join_rules", "", object(R"({"join_rule":"invite"})"));
        right.member(user("dave"), user("dave"), "join");

        const auto result = resolve_both_ways(room, left.state, right.state);

        CHECK(at(result, "m.room.join_rules") == closed->event_id());
        CHECK(at(result, "m.room.member", user("dave").str()).str() == "absent");
    }
}

TEST_CASE("topics are ordered by the power levels they were sent under before their time",
          "[state_resolution]") {
    for (const auto& version : kV2Versions) {
        INFO(version);
        auto room = three_people(version);
        auto left = fork(room);
        auto right = fork(room);
        // Left sends its topic first, but under newer power levels: the mainline position decides.
        left.send(kAlice, "m.room.power_levels", "", levels(room, R"({"@bob:example.org":60})"));
        const auto newer = left.send(kAlice, "m.room.topic", "", object(R"({"topic":"newer levels"})"));
        right.send(kBob, "m.room.topic", "", object(R"({"topic":"later, older levels"})"));

        CHECK(at(resolve_both_ways(room, left.state, right.state), "m.room.topic") == newer->event_id());
    }
}

TEST_CASE("three branches resolve alike in every order", "[state_resolution]") {
    for (const auto& version : kV2Versions) {
        INFO(version);
        auto room = three_people(version);
        auto a = fork(room);
        auto b = fork(room);
        auto c = fork(room);
        a.send(kAlice, "m.room.power_levels", "",
               levels(room, R"({"@bob:example.org":50,"@carol:example.org":50})"));
        a.send(kCarol, "m.room.name", "", object(R"({"name":"a"})"));
        b.member(kBob, kCarol, "leave");
        b.send(kBob, "m.room.topic", "", object(R"({"topic":"b"})"));
        c.send(kBob, "m.room.name", "", object(R"({"name":"c"})"));
        std::vector<StateMap> sets{a.state, b.state, c.state};

        const auto expected = resolve_all(room, sets);
        std::vector<std::size_t> order{0, 1, 2};
        do {
            CHECK(resolve_all(room, {sets[order[0]], sets[order[1]], sets[order[2]]}) == expected);
        } while (std::next_permutation(order.begin(), order.end()));
    }
}

TEST_CASE("version 12 starts from nothing, so that old state does not decide about its own successors",
          "[state_resolution]") {
    auto room = three_people("12");
    auto left = fork(room);
    auto right = fork(room);
    left.member(kBob, kBob, "leave");
    const auto topic = right.send(kAlice, "m.room.topic", "", object(R"({"topic":"x"})"));

    const auto result = resolve_both_ways(room, left.state, right.state);

    CHECK(at(result, "m.room.topic") == topic->event_id());
    CHECK(at(result, "m.room.create") == room.create->event_id());
    CHECK(at(result, "m.room.power_levels") == at(room.state, "m.room.power_levels"));
    CHECK(at(result, "m.room.member", kCarol.str()) == at(room.state, "m.room.member", kCarol.str()));
}

TEST_CASE(
    "a member that one state has lost stays in version 12, where later rules do not judge earlier joins",
    "[state_resolution]") {
    for (const auto& [version, stays] : {std::pair{"11", false}, {"12", true}}) {
        INFO(version);
        auto room = three_people(version);
        const auto join = at(room.state, "m.room.member", kCarol.str());
        room.send(kAlice, "m.room.join_rules", "", object(R"({"join_rule":"invite"})"));
        auto without_carol = room.state;
        without_carol.erase(StateKey{"m.room.member", kCarol.str()});

        const auto result = resolve_both_ways(room, room.state, without_carol);

        CHECK((at(result, "m.room.member", kCarol.str()) == join) == stays);
    }
}

TEST_CASE("version 12 replays what lies between an old and a new value of the same key",
          "[state_resolution]") {
    for (const auto& [version, keeps_newest] : {std::pair{"11", false}, {"12", true}}) {
        INFO(version);
        auto room = three_people(version);
        const auto oldest = at(room.state, "m.room.power_levels");
        auto content = levels(room, R"({"@bob:example.org":90})");
        content["events"] = object(R"({"m.room.power_levels":80})");
        room.send(kAlice, "m.room.power_levels", "", content);  // lets Bob change levels
        room.send(kBob, "m.room.member", kBob.str(), object(R"({"membership":"join","displayname":"B"})"));
        content["kick"] = 40;
        const auto newest = room.send(kBob, "m.room.power_levels", "", content);
        auto stale = room.state;
        stale.insert_or_assign(StateKey{"m.room.power_levels", ""}, oldest);

        // Bob's membership brings the levels in between into both auth chains, so they are no auth
        // difference.
        const auto result = resolve_both_ways(room, room.state, stale);

        CHECK(at(result, "m.room.power_levels") == (keeps_newest ? newest->event_id() : oldest));
    }
}

TEST_CASE("version 1 takes the last allowed of the chain and the deepest of the rest", "[state_resolution]") {
    auto room = three_people("1");
    auto left = fork(room);
    auto right = fork(room);
    left.send(kAlice, "m.room.topic", "", object(R"({"topic":"shallow"})"));
    const auto ban = left.member(kAlice, kBob, "ban");
    const auto deep = right.send(kAlice, "m.room.topic", "", object(R"({"topic":"deep"})"));

    const auto result = resolve_both_ways(room, left.state, right.state);

    CHECK(at(result, "m.room.topic") == deep->event_id());
    CHECK(at(result, "m.room.member", kBob.str()) == ban->event_id());
}

TEST_CASE("missing and rejected events do not stop the resolution", "[state_resolution]") {
    for (const auto& version : RoomVersion::all()) {
        INFO(version.id);
        auto room = three_people(version.id);
        auto left = fork(room);
        auto right = fork(room);
        const auto lost = left.send(kAlice, "m.room.topic", "", object(R"({"topic":"lost"})"));
        const auto kept = right.send(kAlice, "m.room.topic", "", object(R"({"topic":"kept"})"));
        room.events.erase(lost->event_id());

        CHECK(at(resolve_both_ways(room, left.state, right.state), "m.room.topic") == kept->event_id());
    }
}

TEST_CASE("long chains of auth events need no stack", "[state_resolution]") {
    auto room = three_people("10");
    for (int i = 0; i < 3000; ++i) {
        room.send(kAlice, "m.room.power_levels", "",
                  levels(room, R"({"@bob:example.org":)" + std::to_string(i % 50) + "}"));
    }
    auto left = fork(room);
    auto right = fork(room);
    const auto topic = left.send(kAlice, "m.room.topic", "", object(R"({"topic":"x"})"));
    right.member(kBob, kBob, "leave");
    CHECK(at(resolve_both_ways(room, left.state, right.state), "m.room.topic") == topic->event_id());
}
