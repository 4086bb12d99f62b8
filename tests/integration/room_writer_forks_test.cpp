// Rooms that another server, or Synapse before Weft, has left with several ends: the writer resolves their
// states.
#include <catch2/catch.hpp>

#include "homeserver_fixture.hpp"

using namespace weft;
using namespace weft::test;
using Table = std::vector<std::vector<std::string>>;

namespace {

struct Fork {
    explicit Fork(const std::string& version)
        : room{fixture.create_room("alice",
                                   R"({"preset": "public_chat", "room_version": ")" + version + "\"}")} {}

    /// From here on the room goes on from these events, as if the others had not been seen.
    void go_on_from(const std::vector<std::string>& leaves) {
        fixture.sql("DELETE FROM event_forward_extremities WHERE room_id = '" + room + "'");
        for (const auto& leaf : leaves) {
            fixture.sql("INSERT INTO event_forward_extremities (event_id, room_id) VALUES ('" + leaf +
                        "', '" + room + "')");
        }
        fixture.restart_master();
    }
    std::string topic(const std::string& text) {
        return fixture.set_state("alice", room, "m.room.topic", R"({"topic": ")" + text + "\"}");
    }
    std::string one(const std::string& query) { return fixture.sql(query).at(0).at(0); }

    HomeserverFixture fixture;
    std::string room;
};

}  // namespace

TEST_CASE("branches that disagree about a key are settled by the next event", "[room_writer_forks]") {
    const auto version = GENERATE(as<std::string>{}, "1", "2", "6", "10", "11", "12");
    Fork fork{version};
    const auto base = fork.fixture.say("alice", fork.room, "base");
    const auto left = fork.topic("left");
    fork.go_on_from({base});
    const auto right = fork.topic("right");
    fork.fixture.set_state("alice", fork.room, "m.room.name", R"({"name": "only on the right"})");
    const auto right_end = fork.one("SELECT event_id FROM event_forward_extremities");
    fork.go_on_from({left, right_end});

    const auto merged = fork.fixture.say("alice", fork.room, "merged");

    CHECK(fork.fixture.sql("SELECT event_id FROM event_forward_extremities") == Table{{merged}});
    const auto state =
        fork.fixture.run(fork.fixture.master->stores.states.state_after(proto::EventId::trusted(merged)));
    REQUIRE(state);
    CHECK(state->contains(proto::StateKey{"m.room.name", ""}));
    const auto topic = state->at(proto::StateKey{"m.room.topic", ""}).str();
    if (version == "1") {
        CHECK((topic == left || topic == right));  // of the same depth: a hash decides
    } else {
        CHECK(topic ==
              fork.one("SELECT event_id FROM events WHERE type = 'm.room.topic' AND event_id IN ('" + left +
                       "', '" + right + "') ORDER BY origin_server_ts DESC, event_id DESC LIMIT 1"));
    }
    // The tables of current state say so, too, and the state is stored as a difference.
    CHECK(fork.one("SELECT event_id FROM current_state_events WHERE type = 'm.room.topic'") == topic);
    CHECK(fork.one("SELECT count(*) FROM current_state_events") == std::to_string(state->size()));
    CHECK(fork.one("SELECT count(*) FROM state_group_edges e JOIN event_to_state_groups g ON g.state_group = "
                   "e.state_group WHERE g.event_id = '" +
                   merged + "'") == "1");
    CHECK(fork.one("SELECT count(*) < 3 FROM state_groups_state s JOIN event_to_state_groups g USING "
                   "(state_group) WHERE g.event_id = '" +
                   merged + "'") == "t");
}

TEST_CASE("a ban on one branch outlives what the banned did on the other", "[room_writer_forks]") {
    Fork fork{"11"};
    fork.fixture.join("bob", fork.room);
    const auto base = fork.fixture.say("alice", fork.room, "base");
    fork.fixture.change("alice", fork.room, "ban", "bob");
    const auto left = fork.one("SELECT event_id FROM event_forward_extremities");
    fork.go_on_from({base});
    // The tables said that bob is banned; on this branch he is not.
    const auto back = fork.fixture.set_state("alice", fork.room, "m.room.topic", R"({"topic": "x"})");
    fork.fixture.set_state("bob", fork.room, "m.room.member",
                           R"({"membership": "join", "displayname": "Bob"})", "@bob:test");
    const auto right = fork.one("SELECT event_id FROM event_forward_extremities");
    REQUIRE(right != back);
    fork.go_on_from({left, right});

    fork.fixture.say("alice", fork.room, "merged");

    CHECK(fork.one("SELECT membership FROM current_state_events WHERE type = 'm.room.member' AND state_key = "
                   "'@bob:test'") == "ban");
    CHECK(fork.one("SELECT membership FROM local_current_membership WHERE user_id = '@bob:test'") == "ban");
    CHECK(fork.fixture.put("bob", "/rooms/" + fork.room + "/send/m.room.message/t", R"({"body": "x"})")
              .status == 403);
}

TEST_CASE("events that the writer stores are in the index over auth chains", "[room_writer_forks]") {
    Fork fork{"11"};
    fork.fixture.join("bob", fork.room);
    fork.topic("x");

    CHECK(fork.one("SELECT count(*) FROM state_events s LEFT JOIN event_auth_chains c USING (event_id) WHERE "
                   "c.event_id IS NULL") == "0");
    // A member's later events follow the first on its chain.
    fork.fixture.set_state("bob", fork.room, "m.room.member",
                           R"({"membership": "join", "displayname": "Bob"})", "@bob:test");
    CHECK(
        fork.one(
            "SELECT string_agg(sequence_number::text, ' ' ORDER BY sequence_number) FROM event_auth_chains c "
            "JOIN state_events s USING (event_id) WHERE s.state_key = '@bob:test'") == "1 2");
}
