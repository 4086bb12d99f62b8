// Catch-up of the events and backfill streams: pages that follow each other hold every row once, in order,
// and part no token.
#include <catch2/catch.hpp>

#include <functional>
#include <set>

#include <boost/json/serialize.hpp>

#include "homeserver_fixture.hpp"

using namespace weft;
using namespace weft::test;
using Strings = std::vector<std::string>;

namespace {

/// Rows that a fixture's tables hold, read as a process that has missed them reads them.
struct Missed {
    storage::EventsStore& store() { return fixture.master->stores.events; }
    void sql(const std::string& statements) { fixture.sql(statements); }

    /// Messages with these orderings, all of one writer.
    void messages(int first, int last, const std::string& writer_tag = "NULL") {
        sql(
            fmt::format("INSERT INTO events (stream_ordering, topological_ordering, event_id, type, room_id, "
                        "processed, outlier, depth, writer_tag) SELECT n, 1, '$m' || n, 'm.room.message', "
                        "'!r:test', true, false, 1, {} FROM generate_series({}, {}) AS n",
                        writer_tag, first, last));
    }
    /// Changes of the room's state under one token; keys ending in 0 are gone.
    void changes(int token, int count) {
        sql(fmt::format(
            "INSERT INTO current_state_delta_stream (stream_id, room_id, type, state_key, event_id) "
            "SELECT {}, '!r:test', 'org.example.state', 'k' || n, CASE WHEN n % 10 = 0 THEN NULL ELSE "
            "'$s' || n END FROM generate_series(1, {}) AS n",
            token, count));
    }
    using Read = std::function<Task<storage::EventsStore::Updates>(std::int64_t from, std::int64_t upto)>;
    /// "token row" of all pages; a token stands in one of them only.
    Strings pages(const Read& read, std::int64_t from, std::int64_t upto) {
        Strings all;
        for (;;) {
            const auto page = fixture.run(read(from, upto));
            for (const auto& [token, row] : page.rows) {
                CHECK(token > from);
                CHECK(token <= page.upto);
                all.push_back(std::to_string(token) + " " + boost::json::serialize(row));
            }
            if (!page.limited) {
                CHECK(page.upto == upto);
                return all;
            }
            REQUIRE(page.upto > from);
            from = page.upto;
        }
    }
    Strings events(std::int64_t from, std::int64_t upto, std::size_t limit = 100,
                   const std::string& writer = "master") {
        return pages(
            [&](std::int64_t after, std::int64_t to) { return store().updates(writer, after, to, limit); },
            from, upto);
    }
    Strings backfill(std::int64_t from, std::int64_t upto, std::size_t limit = 100) {
        return pages(
            [&](std::int64_t after, std::int64_t to) { return store().backfill_updates(after, to, limit); },
            from, upto);
    }

    HomeserverFixture fixture;
};

std::string message(int token) {
    return fmt::format(R"({} ["ev",["$m{}","!r:test","m.room.message",null,null,null]])", token, token);
}

Strings messages(int first, int last) {
    Strings out;
    for (int n = first; n <= last; ++n) out.push_back(message(n));
    return out;
}

}  // namespace

TEST_CASE("catch-up of events pages over more than a page of messages, and an event comes before its change",
          "[event_updates]") {
    Missed missed;
    missed.messages(1001, 1101);
    missed.sql(
        "INSERT INTO events (stream_ordering, topological_ordering, event_id, type, room_id, processed, "
        "outlier, depth) VALUES (1102, 1, '$topic', 'm.room.topic', '!r:test', true, false, 1);"
        "INSERT INTO state_events (event_id, room_id, type, state_key) VALUES ('$topic', '!r:test', "
        "'m.room.topic', '');"
        "INSERT INTO current_state_delta_stream (stream_id, room_id, type, state_key, event_id) VALUES "
        "(1102, '!r:test', 'm.room.topic', '', '$topic')");
    auto expected = messages(1001, 1101);
    expected.emplace_back(R"(1102 ["ev",["$topic","!r:test","m.room.topic","",null,null]])");
    expected.emplace_back(R"(1102 ["state",["!r:test","m.room.topic","","$topic"]])");
    const auto limit = GENERATE(std::size_t{1}, 2, 7, 100, 1000);
    CHECK(missed.events(1000, 1102, limit) == expected);
    CHECK(missed.events(1100, 1101, limit) == messages(1101, 1101));
    CHECK(missed.events(1102, 1200, limit).empty());
}

TEST_CASE("catch-up of events never parts the changes of one token, however many there are",
          "[event_updates]") {
    Missed missed;
    missed.changes(1001, 1);
    missed.changes(1002, 130);
    missed.changes(1003, 1);
    const auto limit = GENERATE(std::size_t{2}, 50, 100, 1000);
    const auto rows = missed.events(1000, 1003, limit);
    REQUIRE(rows.size() == 132);
    CHECK(rows.front() == R"(1001 ["state",["!r:test","org.example.state","k1","$s1"]])");
    CHECK(rows.back() == R"(1003 ["state",["!r:test","org.example.state","k1","$s1"]])");
    CHECK(std::set<std::string>(rows.begin(), rows.end()).size() == 132);
    // A key that is gone has no event.
    CHECK(std::ranges::count_if(rows, [](const auto& row) { return row.ends_with("null]]"); }) == 13);
}

TEST_CASE("catch-up of events gives tokens with many changes in order, none split", "[event_updates]") {
    Missed missed;
    missed.messages(1001, 1004);
    for (int token = 1001; token <= 1004; ++token) missed.changes(token, 26);
    const auto rows = missed.events(1000, 1004, GENERATE(std::size_t{10}, 52, 100));
    REQUIRE(rows.size() == 4 * 27);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto token = 1001 + static_cast<int>(i / 27);
        CHECK(rows[i].starts_with(std::to_string(token) + (i % 27 == 0 ? R"( ["ev")" : R"( ["state")")));
    }
}

TEST_CASE("catch-up of events holds outliers that have got a place, relations and redactions",
          "[event_updates]") {
    Missed missed;
    missed.messages(1001, 1003);
    missed.sql(
        "INSERT INTO ex_outlier_stream (event_stream_ordering, event_id, state_group) VALUES (1005, "
        "'$m1001', 1);"
        "INSERT INTO redactions (event_id, redacts) VALUES ('$m1002', '$gone');"
        "INSERT INTO event_relations (event_id, relates_to_id, relation_type) VALUES ('$m1003', '$m1001', "
        "'m.replace')");
    CHECK(missed.events(1000, 1005) ==
          Strings{message(1001), R"(1002 ["ev",["$m1002","!r:test","m.room.message",null,"$gone",null]])",
                  R"(1003 ["ev",["$m1003","!r:test","m.room.message",null,null,"$m1001"]])",
                  R"(1005 ["ev",["$m1001","!r:test","m.room.message",null,null,null]])"});
}

TEST_CASE("catch-up of events is that of one writer", "[event_updates]") {
    Missed missed;
    missed.messages(1001, 1001, std::to_string(storage::writer_tag("p1")));
    missed.messages(1002, 1002, std::to_string(storage::writer_tag("p2")));
    missed.messages(1003, 1003, std::to_string(storage::writer_tag("p1")));
    CHECK(missed.events(1000, 1003, 100, "p1") == Strings{message(1001), message(1003)});
    CHECK(missed.events(1000, 1003, 100, "p2") == Strings{message(1002)});
}

TEST_CASE("catch-up of backfilled events goes by rising tokens and skips none", "[event_updates]") {
    Missed missed;
    missed.messages(-151, -2);
    missed.sql(
        "INSERT INTO ex_outlier_stream (event_stream_ordering, event_id, state_group) VALUES (-152, '$m-5', "
        "1)");
    const auto limit = GENERATE(std::size_t{1}, 7, 100, 150, 1000);
    const auto rows = missed.backfill(1, 152, limit);
    REQUIRE(rows.size() == 151);
    for (int i = 0; i < 150; ++i) {
        CHECK(rows[static_cast<std::size_t>(i)] ==
              fmt::format(R"({} ["$m-{}","!r:test","m.room.message",null,null,null])", i + 2, i + 2));
    }
    CHECK(rows.back() == R"(152 ["$m-5","!r:test","m.room.message",null,null,null])");
    CHECK(missed.backfill(100, 101, limit).size() == 1);
}
