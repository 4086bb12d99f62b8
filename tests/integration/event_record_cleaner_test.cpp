// What events leave for a while only.
#include <catch2/catch.hpp>

#include "homeserver_fixture.hpp"
#include "weft/storage/event_record_cleaner.hpp"

using namespace weft;
using namespace weft::test;

namespace {

struct Cleaning {
    Cleaning() : busy{fixture.create_room("alice")}, quiet{fixture.create_room("alice")} {}

    std::size_t clean() {
        storage::EventRecordCleaner::Options options;
        options.rows_per_transaction = 2;
        storage::EventRecordCleaner cleaner{fixture.master->db, fixture.master->clock, options};
        return fixture.run(cleaner.clean());
    }
    std::string number(const std::string& select) { return fixture.sql(select).at(0).at(0); }
    /// What a reader is told of a room's newest events at a token.
    std::string newest_at(const std::string& room, const std::string& token) {
        return number(
            fmt::format("SELECT string_agg(event_id, ',') FROM stream_ordering_to_exterm WHERE room_id = "
                        "'{0}' AND stream_ordering = "
                        "(SELECT max(stream_ordering) FROM stream_ordering_to_exterm WHERE room_id = '{0}' "
                        "AND stream_ordering <= {1})",
                        room, token));
    }
    std::string rows_of(const std::string& room) {
        return number(
            fmt::format("SELECT count(*) FROM stream_ordering_to_exterm WHERE room_id = '{}'", room));
    }

    HomeserverFixture fixture;
    std::string busy;
    std::string quiet;
};

}  // namespace

TEST_CASE("what a room's newest events were is told for a month, and of a quiet room for ever",
          "[event_records]") {
    Cleaning rooms;
    const auto first = rooms.fixture.say("alice", rooms.busy, "old");
    const auto second = rooms.fixture.say("alice", rooms.busy, "the last of the old ones");
    const auto cut = rooms.number("SELECT max(stream_ordering) FROM events");
    const auto quiet = rooms.newest_at(rooms.quiet, cut);
    rooms.fixture.sql("UPDATE events SET received_ts = received_ts - 31::bigint * 24 * 3600 * 1000");
    const auto third = rooms.fixture.say("alice", rooms.busy, "new");

    CHECK(rooms.clean() > 0);

    CHECK(rooms.newest_at(rooms.busy, cut) == second);
    CHECK(rooms.newest_at(rooms.busy, rooms.number("SELECT max(stream_ordering) FROM events")) == third);
    CHECK(rooms.newest_at(rooms.quiet, cut) == quiet);
    CHECK(rooms.rows_of(rooms.busy) == "2");
    CHECK(rooms.rows_of(rooms.quiet) == "1");
    CHECK(rooms.clean() == 0);
}

TEST_CASE("transaction IDs are forgotten after a day", "[event_records]") {
    Cleaning rooms;
    const auto insert = [&](const std::string& id, int hours) {
        rooms.fixture.sql(fmt::format(
            "INSERT INTO event_txn_id (event_id, room_id, user_id, device_id, txn_id, inserted_ts) "
            "VALUES ('{0}', '{1}', '@alice:test', 'D', '{0}', {2})",
            id, rooms.busy, rooms.fixture.master->clock.now_ms() - hours * 3'600'000LL));
    };
    for (const auto* id : {"a", "b", "c", "d", "e"}) insert(id, 25);
    insert("young", 23);

    CHECK(rooms.clean() == 5);

    CHECK(rooms.number("SELECT string_agg(txn_id, ',') FROM event_txn_id") == "young");
}
