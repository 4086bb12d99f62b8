// State groups are stored in another form; what they hold stays.
#include <catch2/catch.hpp>

#include "homeserver_fixture.hpp"
#include "stored_room.hpp"
#include "weft/storage/state_compactor.hpp"

using namespace weft;
using namespace weft::test;

namespace {

constexpr auto kLongestChain =
    "WITH RECURSIVE chain(g, n) AS (SELECT id, 0 FROM state_groups UNION ALL SELECT e.prev_state_group, n + "
    "1 FROM chain "
    "JOIN state_group_edges e ON e.state_group = g) SELECT max(n) FROM chain";

std::string one(StorageFixture& fixture, const std::string& query) {
    return fixture.sql(query).at(0).at(0);
}

struct Rooms {
    explicit Rooms(StorageFixture& on) : fixture{on} {
        for (std::uint32_t seed = 0; seed < 4; ++seed) {
            RandomRoom::Options options;
            options.name = fmt::format("r{}", seed);
            options.steps = 150;
            rooms.emplace_back(proto::RoomVersion::get("11"), seed, options);
            store_room(fixture, rooms.back());
            groups.push_back(store_groups(fixture, rooms.back()));
        }
        refer_to_all();
    }
    /// An event for each group, so that none is collected.
    void refer_to_all() {
        fixture.sql(
            "INSERT INTO event_to_state_groups (event_id, state_group) SELECT '$g' || id, id FROM "
            "state_groups");
    }
    void check_states() {
        auto& events_stream = fixture.stream("events");
        storage::EventsStore events{fixture.db, events_stream, fixture.stream("backfill"), 100,
                                    fixture.io.get_executor()};
        storage::StateStore states{fixture.db,       events_stream, events,
                                   fixture.registry, 100,           fixture.io.get_executor()};
        for (std::size_t n = 0; n < rooms.size(); ++n) {
            for (std::size_t i = 0; i < groups[n].size(); ++i)
                REQUIRE(*fixture.run(states.group(groups[n][i])) == rooms[n].history[i]);
        }
    }

    StorageFixture& fixture;
    std::vector<RandomRoom> rooms;
    std::vector<std::vector<std::int64_t>> groups;
};

}  // namespace

TEST_CASE("compacted groups hold what they held, in fewer rows", "[state_compactor]") {
    StorageFixture fixture;
    Rooms rooms{fixture};
    std::size_t told = 0;

    const auto report = fixture.run(storage::StateCompactor{fixture.db}.run([&](const auto& progress) {
        told = progress.rooms_done;
        CHECK(progress.rooms == 4);
    }));

    CHECK(told == 4);
    CHECK(report.rewritten > 0);
    CHECK(report.collected == 0);
    CHECK(report.rooms_skipped == 0);
    CHECK(report.before.groups == report.after.groups);
    CHECK(report.after.rows < report.before.rows);
    CHECK(report.after.rows == std::stoll(one(fixture, "SELECT count(*) FROM state_groups_state")));
    CHECK(std::stoi(one(fixture, kLongestChain)) <= 30);
    rooms.check_states();

    SECTION("a second time there is nothing to do") {
        const auto again = fixture.run(storage::StateCompactor{fixture.db}.run({}));
        CHECK(again.rewritten == 0);
        CHECK(again.after.rows == report.after.rows);
    }
}

TEST_CASE("groups that build on newer ones are left alone", "[state_compactor]") {
    StorageFixture fixture;
    Rooms rooms{fixture};
    fixture.sql(fmt::format("INSERT INTO state_group_edges (state_group, prev_state_group) VALUES ({}, {})",
                            rooms.groups[0].front(), rooms.groups[1].back()));

    const auto report = fixture.run(storage::StateCompactor{fixture.db}.run({}));

    CHECK(report.rooms_skipped == 1);
    CHECK(report.rewritten > 0);
}

TEST_CASE("groups that nothing refers to are deleted, but not the newest, nor what others build on",
          "[state_compactor]") {
    StorageFixture fixture;
    RandomRoom::Options of_room;
    of_room.steps = 150;
    RandomRoom room{proto::RoomVersion::get("11"), 1, of_room};
    store_room(fixture, room);
    const auto groups = store_groups(fixture, room);
    fixture.sql(fmt::format("INSERT INTO event_to_state_groups (event_id, state_group) VALUES ('$kept', {})",
                            groups[10]));

    CHECK(fixture.run(storage::StateCompactor{fixture.db}.collect_unreferenced()) == 0);

    storage::StateCompactor::Options options;
    options.newest_kept = 5;
    const auto built_on = std::stoul(one(
        fixture,
        fmt::format(
            "WITH RECURSIVE chain(g) AS (SELECT {}::bigint UNION ALL SELECT e.prev_state_group FROM chain "
            "JOIN state_group_edges e ON e.state_group = g) SELECT count(*) FROM chain",
            groups[10])));
    const auto collected = fixture.run(storage::StateCompactor{fixture.db, options}.collect_unreferenced());

    // What the newest build on stays, too.
    const auto left = std::stoul(one(fixture, "SELECT count(*) FROM state_groups"));
    CHECK(collected == groups.size() - left);
    CHECK(left >= built_on + 5);
    CHECK(left < groups.size());
    CHECK(one(fixture,
              "SELECT count(*) FROM state_groups_state s LEFT JOIN state_groups g ON g.id = s.state_group "
              "WHERE g.id IS NULL") == "0");
    CHECK(one(fixture,
              "SELECT count(*) FROM state_group_edges e LEFT JOIN state_groups g ON g.id = "
              "e.prev_state_group WHERE g.id IS NULL") == "0");
}

TEST_CASE("the server goes on while and after its groups are compacted", "[state_compactor]") {
    HomeserverFixture fixture;
    const auto room = fixture.create_room("alice");
    for (int n = 0; n < 30; ++n)
        fixture.set_state("alice", room, "m.room.topic", fmt::format(R"({{"topic": "{}"}})", n));

    const auto report = fixture.run(storage::StateCompactor{fixture.master->db}.run({}));
    CHECK(report.rewritten > 0);
    fixture.set_state("alice", room, "m.room.name", R"({"name": "after"})");
    fixture.restart_master();
    fixture.say("alice", room, "still here");

    const auto state = fixture.get("alice", "/rooms/" + room + "/state/m.room.topic");
    CHECK(state.text("topic") == "29");
    CHECK(fixture.get("alice", "/rooms/" + room + "/state/m.room.name").text("name") == "after");
}
