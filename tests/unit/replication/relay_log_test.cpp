#include "weft/replication/relay_log.hpp"

#include <catch2/catch.hpp>

using namespace weft::replication;

namespace {

constexpr LinkId kReader = 1;
constexpr LinkId kWriter = 2;

std::string read_all(RelayCursor& cursor) {
    std::string text;
    while (!cursor.at_end() && !cursor.has_fallen_off()) {
        RelayCursor::Gathered gathered;
        cursor.gather(1024, gathered);
        for (const auto piece : gathered.pieces) text += piece;
    }
    return text;
}

}  // namespace

TEST_CASE("a connection gets what is appended after it began, in order", "[replication][relay]") {
    RelayLog log;
    const auto feed = log.feed({"events", "master"});
    log.append(feed, 1, 0, "before\n");
    RelayCursor cursor{log, kReader};

    log.append(feed, 2, 0, "a\n");
    log.append_other(0, "b\n");
    log.append(feed, 3, 0, "c\n");

    CHECK(read_all(cursor) == "a\nb\nc\n");
    CHECK(cursor.at_end());
    log.append(feed, 4, 0, "d\n");
    CHECK(read_all(cursor) == "d\n");
}

TEST_CASE("neighbouring entries leave as one piece", "[replication][relay]") {
    RelayLog log;
    const auto feed = log.feed({"events", "master"});
    RelayCursor cursor{log, kReader};
    for (int i = 0; i < 100; ++i) log.append(feed, i, 0, "RDATA x\n");

    RelayCursor::Gathered gathered;
    cursor.gather(1 << 20, gathered);

    CHECK(gathered.pieces.size() == 1);
    CHECK(gathered.bytes == 800);
    CHECK(gathered.rdata_lines == 100);
}

TEST_CASE("nothing goes back to the connection it came from", "[replication][relay]") {
    RelayLog log;
    const auto feed = log.feed({"events", "p1"});
    RelayCursor reader{log, kReader};
    RelayCursor writer{log, kWriter};

    log.append_other(0, "all\n");
    log.append(feed, 2, kWriter, "row\n");

    CHECK(read_all(reader) == "all\nrow\n");
    CHECK(read_all(writer) == "all\n");
}

TEST_CASE("a connection gets only the streams that it asked for", "[replication][relay]") {
    RelayLog log;
    const auto events = log.feed({"events", "master"});
    RelayCursor cursor{log, kReader};
    cursor.subscribe({"events"});

    log.append(events, 1, 0, "e1\n");
    log.append(log.feed({"typing", "master"}), 1, 0, "t1\n");
    log.append(events, 2, 0, "e2\n");

    CHECK(read_all(cursor) == "e1\ne2\n");
}

TEST_CASE("who falls off the end is told which streams moved", "[replication][relay]") {
    RelayLog log{{256, 1024}};
    const auto events = log.feed({"events", "master"});
    const auto idle = log.feed({"typing", "master"});
    const auto own = log.feed({"receipts", "slow"});
    log.append(idle, 1, 0, "t\n");
    RelayCursor slow{log, kReader};
    RelayCursor quick{log, kWriter};

    std::string seen;
    for (int i = 1; i <= 1000; ++i) {
        log.append(events, i, 0, fmt::format("RDATA {}\n", i));
        log.append(own, i, kReader, "mine\n");
        seen += read_all(quick);
    }

    CHECK(log.bytes() <= 1024 + 256);
    CHECK(!quick.has_fallen_off());
    CHECK(seen.ends_with("RDATA 1000\nmine\n"));
    REQUIRE(slow.has_fallen_off());
    CHECK(slow.skip_to_end() == std::vector<RelayLog::FeedId>{events});
    CHECK(log.info(events).token == 1000);
    CHECK(!slow.has_fallen_off());
    log.append(events, 1001, 0, "next\n");
    CHECK(read_all(slow) == "next\n");
}

TEST_CASE("chunks that everybody has read are let go", "[replication][relay]") {
    RelayLog log{{256, 1 << 20}};
    const auto feed = log.feed({"events", "master"});
    RelayCursor cursor{log, kReader};

    for (int i = 0; i < 1000; ++i) {
        log.append(feed, i, 0, "0123456789\n");
        read_all(cursor);
    }

    CHECK(log.bytes() <= 512);
}

TEST_CASE("pieces stay valid while the log moves on", "[replication][relay]") {
    RelayLog log{{64, 128}};
    const auto feed = log.feed({"events", "master"});
    RelayCursor cursor{log, kReader};
    log.append(feed, 1, 0, "first\n");
    RelayCursor::Gathered gathered;
    cursor.gather(1024, gathered);

    for (int i = 0; i < 100; ++i) log.append(feed, i, 0, "0123456789012345678901234567890\n");

    REQUIRE(gathered.pieces.size() == 1);
    CHECK(gathered.pieces[0] == "first\n");
}
