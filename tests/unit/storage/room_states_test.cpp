#include "state/room_states.hpp"

#include <catch2/catch.hpp>

#include <boost/asio/io_context.hpp>

using namespace weft;
using storage::RoomState;
using storage::RoomStates;
using storage::StateDelta;

namespace {

const auto kRoom = proto::RoomId::trusted("!a:test");

proto::EventId event(const std::string& id) { return proto::EventId::trusted("$" + id); }

StateDelta topic(const std::string& id) { return {{"m.room.topic", ""}, event(id), {}}; }
StateDelta member(const std::string& user, const std::string& membership, const std::string& id = "m") {
    return {{"m.room.member", user}, event(id), membership};
}

std::shared_ptr<RoomState> state_with(const std::vector<StateDelta>& deltas) {
    auto out = std::make_shared<RoomState>();
    for (const auto& delta : deltas) out->set(delta.key, delta.event_id, delta.membership);
    return out;
}

struct Fixture {
    asio::io_context io;
    RoomStates states{2, 100, io.get_executor()};

    void load(const proto::RoomId& room_id, const std::vector<StateDelta>& deltas) {
        states.begin_load(room_id);
        states.finish_load(room_id, state_with(deltas));
    }
    std::string topic_of(const proto::RoomId& room_id) {
        const auto state = states.find(room_id);
        const auto* id = state ? state->find("m.room.topic") : nullptr;
        return id ? id->str() : "";
    }
};

}  // namespace

TEST_CASE("a room's state counts its members", "[room_states]") {
    auto state = state_with({member("@a:test", "join"), member("@b:test", "join"), member("@c:test", "invite"), member("@d:test", "ban")});
    CHECK(state->joined == 2);
    CHECK(state->invited == 1);
    CHECK(state->membership("@d:test") == "ban");
    CHECK(state->membership("@nobody:test") == "leave");

    state->set({"m.room.member", "@c:test"}, event("x"), "join");
    state->set({"m.room.member", "@a:test"}, event("x"), "leave");
    state->set({"m.room.member", "@b:test"}, std::nullopt, {});

    CHECK(state->joined == 1);
    CHECK(state->invited == 0);
    CHECK_FALSE(state->find("m.room.member", "@b:test"));
    CHECK(state->membership("@b:test") == "leave");
}

TEST_CASE("a change is made in place, and not under the eyes of a reader", "[room_states]") {
    Fixture fixture;
    fixture.load(kRoom, {topic("old")});
    const auto read_before = fixture.states.find(kRoom);

    fixture.states.change(kRoom, topic("new"));

    CHECK(read_before->find("m.room.topic")->str() == "$old");
    CHECK(fixture.topic_of(kRoom) == "$new");
}

TEST_CASE("changes that arrive during a read are put on top of it", "[room_states]") {
    Fixture fixture;
    fixture.states.begin_load(kRoom);
    fixture.states.change(kRoom, topic("new"));

    const auto loaded = fixture.states.finish_load(kRoom, state_with({topic("old"), member("@a:test", "join")}));

    CHECK(loaded->find("m.room.topic")->str() == "$new");
    CHECK(loaded->joined == 1);
    CHECK(fixture.topic_of(kRoom) == "$new");
}

TEST_CASE("a read during which something unknown changed is not relied on", "[room_states]") {
    Fixture fixture;
    fixture.states.begin_load(kRoom);
    fixture.states.drop(kRoom);

    CHECK_FALSE(fixture.states.finish_load(kRoom, state_with({topic("old")})));
    CHECK_FALSE(fixture.states.find(kRoom));
    fixture.load(kRoom, {topic("new")});
    CHECK(fixture.topic_of(kRoom) == "$new");
}

TEST_CASE("a room is read by one at a time, and the others are told when it is done", "[room_states]") {
    Fixture fixture;
    CHECK_FALSE(fixture.states.loading(kRoom));
    fixture.states.begin_load(kRoom);
    const auto load = fixture.states.loading(kRoom);
    REQUIRE(load);
    CHECK_FALSE(load->done);

    fixture.states.finish_load(kRoom, nullptr);

    CHECK(load->done);
    CHECK_FALSE(fixture.states.loading(kRoom));
    CHECK_FALSE(fixture.states.find(kRoom));
}

TEST_CASE("the room that was looked at least recently is forgotten first", "[room_states]") {
    Fixture fixture;
    const auto second = proto::RoomId::trusted("!b:test");
    const auto third = proto::RoomId::trusted("!c:test");
    fixture.load(kRoom, {topic("a")});
    fixture.load(second, {topic("b")});
    fixture.states.find(kRoom);
    fixture.load(third, {topic("c")});

    CHECK(fixture.states.find(kRoom));
    CHECK_FALSE(fixture.states.find(second));
    CHECK(fixture.states.find(third));
}

TEST_CASE("large rooms push others out", "[room_states]") {
    Fixture fixture;
    fixture.load(kRoom, {topic("a")});
    std::vector<StateDelta> many;
    for (int n = 0; n < 150; ++n) many.push_back(member("@u" + std::to_string(n) + ":test", "join"));
    const auto large = proto::RoomId::trusted("!large:test");

    fixture.load(large, many);

    CHECK_FALSE(fixture.states.find(kRoom));
    CHECK(fixture.states.find(large)->joined == 150);
}

TEST_CASE("changes of rooms that are not here are nobody's business", "[room_states]") {
    Fixture fixture;
    fixture.states.change(kRoom, topic("x"));
    fixture.states.drop(kRoom);

    CHECK_FALSE(fixture.states.find(kRoom));
}
