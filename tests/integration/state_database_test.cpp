// State groups in a database of their own.
#include <catch2/catch.hpp>

#include "homeserver_fixture.hpp"
#include "weft/storage/migrations.hpp"
#include "weft/storage/state_compactor.hpp"
#include "weft/storage/store_error.hpp"

using namespace weft;
using namespace weft::test;

namespace {

/// A homeserver whose state groups are in a second database.
struct Apart {
    Apart() : fixture{config()} {}

    core::Config config() {
        asio::io_context io;
        TestDatabase main;
        storage::migrate_state(storage::Database{main.config(), "test", io.get_executor()},
                               storage::Database{state.config(), "test", io.get_executor()});
        auto config = HomeserverFixture::roomy_config();
        config.state_database = state.config();
        return config;
    }
    std::string in_main(const std::string& query) const { return fixture.sql(query).at(0).at(0); }
    std::string in_state(const std::string& query) const { return state.sql(query).at(0).at(0); }

    TestDatabase state{TestDatabase::Content::kEmpty};
    HomeserverFixture fixture;
};

}  // namespace

TEST_CASE("rooms live with their state groups in another database", "[state_database]") {
    Apart apart;
    auto& fixture = apart.fixture;
    const auto room = fixture.create_room("alice");
    fixture.join("bob", room);
    const auto old_topic = fixture.set_state("alice", room, "m.room.topic", R"({"topic": "old"})");
    const auto text = fixture.say("bob", room, "between");
    fixture.set_state("alice", room, "m.room.topic", R"({"topic": "new"})");
    fixture.restart_master();
    fixture.say("bob", room, "after");

    CHECK(apart.in_main("SELECT count(*) FROM state_groups") == "0");
    CHECK(apart.in_main("SELECT count(*) FROM state_groups_state") == "0");
    CHECK(apart.in_state("SELECT count(*) FROM state_groups") != "0");
    CHECK(apart.in_main("SELECT count(*) FROM event_to_state_groups") != "0");
    const auto then = fixture.run(fixture.master->stores.states.state_after(proto::EventId::trusted(text)));
    REQUIRE(then);
    CHECK(then->at(proto::StateKey{"m.room.topic", ""}).str() == old_topic);
    CHECK(fixture.get("bob", "/rooms/" + room + "/state/m.room.topic").text("topic") == "new");
    CHECK(fixture.get("bob", "/sync").status == 200);
}

TEST_CASE("a fork is resolved with the state groups in another database", "[state_database]") {
    Apart apart;
    auto& fixture = apart.fixture;
    const auto room = fixture.create_room("alice");
    const auto branch = fixture.say("alice", room, "branch");
    fixture.set_state("alice", room, "m.room.topic", R"({"topic": "newer"})");
    fixture.sql("INSERT INTO event_forward_extremities (event_id, room_id) VALUES ('" + branch + "', '" +
                room + "')");
    fixture.restart_master();

    fixture.say("alice", room, "merged");

    CHECK(apart.in_main("SELECT count(*) FROM event_forward_extremities") == "1");
    CHECK(fixture.get("alice", "/rooms/" + room + "/state/m.room.topic").text("topic") == "newer");
}

TEST_CASE("state groups in another database are compacted and collected there", "[state_database]") {
    Apart apart;
    auto& fixture = apart.fixture;
    const auto room = fixture.create_room("alice");
    for (int n = 0; n < 20; ++n)
        fixture.set_state("alice", room, "m.room.topic", fmt::format(R"({{"topic": "{}"}})", n));
    const auto groups = apart.in_state("SELECT count(*) FROM state_groups");
    apart.state.sql("INSERT INTO state_groups (id, room_id, event_id) VALUES (0, 'x', 'x'), (-1, 'x', 'x')");
    apart.state.sql("UPDATE state_groups SET id = id + 100000 WHERE room_id = 'x'");

    storage::StateCompactor::Options options;
    options.newest_kept = 0;
    const auto report = fixture.run(
        storage::StateCompactor{storage::Databases{fixture.master->db, *fixture.master->state_db}, options}
            .run({}));

    CHECK(report.rewritten > 0);
    CHECK(report.collected == 2);
    CHECK(apart.in_state("SELECT count(*) FROM state_groups") == groups);
    fixture.restart_master();
    CHECK(fixture.get("alice", "/rooms/" + room + "/state/m.room.topic").text("topic") == "19");
}

TEST_CASE("an empty database for state is refused while the main one has groups", "[state_database]") {
    HomeserverFixture fixture;
    fixture.create_room("alice");
    TestDatabase empty{TestDatabase::Content::kEmpty};
    storage::Database state{empty.config(), "test", fixture.io.get_executor()};

    CHECK_THROWS_AS(storage::migrate_state(fixture.master->db, state), storage::StoreError);
    // Once they have been copied, it is good, and goes on counting from them.
    empty.sql("INSERT INTO state_groups (id, room_id, event_id) VALUES (41, 'x', 'x')");
    storage::migrate_state(fixture.master->db, state);
    CHECK(empty.sql("SELECT nextval('state_group_id_seq')").at(0).at(0) == "42");
}
