#include "weft/replication/feed.hpp"

#include <catch2/catch.hpp>

using namespace weft::replication;

namespace {

constexpr LinkId kLink = 1;
constexpr LinkId kNewLink = 2;

json::value row(int number) {
    return json::array{number};
}

/// Drives a feed and keeps what it asked for.
struct Driver {
    explicit Driver(std::int64_t position, Feed::Options options = {}) : feed{position, options} {}

    void position(std::int64_t token, LinkId link = kLink) { take(feed.on_position(link, token)); }
    void position_since(std::int64_t previous, std::int64_t token) {
        take(feed.on_position(kLink, token, previous));
    }
    void live(std::optional<std::int64_t> token, int number, LinkId link = kLink) {
        take(feed.on_row(link, token, row(number), 10));
    }
    /// Answers the fetch that is waited for.
    void fetched(std::vector<Update> rows, std::int64_t upto, bool limited = false) {
        REQUIRE(fetch.has_value());
        const auto id = std::exchange(fetch, std::nullopt)->id;
        take(feed.on_fetched(id, {std::move(rows), upto, limited}));
    }
    void fetch_fails() {
        REQUIRE(fetch.has_value());
        take(feed.on_fetch_failed(std::exchange(fetch, std::nullopt)->id));
    }
    void take(FeedActions actions) {
        for (auto& action : actions) {
            if (auto* rows = std::get_if<ApplyRows>(&action)) {
                for (const auto& r : rows->rows) applied.emplace_back(rows->token, r.at(0).as_int64());
                groups.push_back(rows->token);
            } else if (auto* to = std::get_if<FetchRows>(&action)) {
                fetch = *to;
            } else if (auto* later = std::get_if<RetryFetch>(&action)) {
                retry = *later;
            } else if (auto* advance = std::get_if<AdvanceTo>(&action)) {
                advanced = advance->token;
            } else if (auto* rewind = std::get_if<RewindTo>(&action)) {
                rewound = rewind->token;
            } else {
                ++caught_up;
            }
        }
    }
    using Applied = std::vector<std::pair<std::int64_t, std::int64_t>>;

    Feed feed;
    Applied applied;
    std::vector<std::int64_t> groups;
    std::optional<FetchRows> fetch;
    std::optional<RetryFetch> retry;
    std::optional<std::int64_t> advanced;
    std::optional<std::int64_t> rewound;
    int caught_up = 0;
};

}  // namespace

TEST_CASE("a POSITION that equals ours connects at once", "[replication][feed]") {
    Driver d{7};

    d.position(7);

    CHECK(!d.fetch);
    CHECK(d.caught_up == 1);
    CHECK(d.feed.connected());
}

TEST_CASE("a POSITION above ours asks for exactly the missing rows", "[replication][feed]") {
    Driver d{5};

    d.position(9);

    REQUIRE(d.fetch);
    CHECK(d.fetch->from == 5);
    CHECK(d.fetch->upto == 9);
    CHECK(!d.feed.connected());
    d.fetched({{6, row(60)}, {8, row(80)}, {8, row(81)}}, 9);
    CHECK(d.applied == Driver::Applied{{6, 60}, {8, 80}, {8, 81}});
    CHECK(d.groups == std::vector<std::int64_t>{6, 8});  // each under its own token
    CHECK(d.advanced == 9);
    CHECK(d.feed.connected());
}

TEST_CASE("rows before the first POSITION of their connection are dropped", "[replication][feed]") {
    Driver d{5};

    d.live(6, 60);
    CHECK(d.applied.empty());
    d.position(6);
    REQUIRE(d.fetch);
    d.fetched({{6, row(60)}}, 6);

    CHECK(d.applied == Driver::Applied{{6, 60}});
}

TEST_CASE("live rows wait while missed rows are fetched, and nothing is applied twice",
          "[replication][feed]") {
    Driver d{5};
    d.position(7);

    d.live(7, 70);  // covered by the fetch
    d.live(8, 80);
    d.live(9, 90);
    CHECK(d.applied.empty());
    d.fetched({{6, row(60)}, {7, row(70)}}, 7);

    CHECK(d.applied == Driver::Applied{{6, 60}, {7, 70}, {8, 80}, {9, 90}});
    CHECK(d.feed.duplicates() == 1);
    CHECK(d.feed.position() == 9);
}

TEST_CASE("catch-up goes page by page until the position is reached", "[replication][feed]") {
    Driver d{0};
    d.position(10);

    d.fetched({{1, row(1)}, {4, row(4)}}, 4, true);
    REQUIRE(d.fetch);
    CHECK(d.fetch->from == 4);
    CHECK(!d.feed.connected());
    d.fetched({{10, row(10)}}, 10);

    CHECK(d.applied == Driver::Applied{{1, 1}, {4, 4}, {10, 10}});
    CHECK(d.feed.connected());
}

TEST_CASE("a page that gets nowhere is retried with growing delay instead of asked in a loop",
          "[replication][feed]") {
    Driver d{0};
    d.position(10);

    d.fetched({}, 0, true);

    REQUIRE(d.retry);
    CHECK(d.retry->delay_ms == 100);
    CHECK(!d.fetch);
}

TEST_CASE("a fetch that fails is repeated, and live rows are not lost meanwhile", "[replication][feed]") {
    Driver d{5};
    d.position(6);

    for (const std::int64_t delay : {100, 200, 400, 800, 1600, 3200, 5000, 5000}) {
        d.fetch_fails();
        REQUIRE(d.retry);
        CHECK(d.retry->delay_ms == delay);
        d.take(d.feed.on_retry(d.retry->id));
    }
    d.live(7, 70);
    d.fetched({{6, row(60)}}, 6);

    CHECK(d.applied == Driver::Applied{{6, 60}, {7, 70}});
}

TEST_CASE("rows of a batch are applied together once the token arrives", "[replication][feed]") {
    Driver d{5};
    d.position(5);

    d.live(std::nullopt, 1);
    d.live(std::nullopt, 2);
    CHECK(d.applied.empty());
    d.live(6, 3);

    CHECK(d.applied == Driver::Applied{{6, 1}, {6, 2}, {6, 3}});
    CHECK(d.groups.size() == 1);
}

TEST_CASE("a POSITION in the middle of a batch voids its rows", "[replication][feed]") {
    Driver d{5};
    d.position(5);
    d.live(std::nullopt, 1);

    d.position(6);
    d.fetched({{6, row(1)}, {6, row(2)}}, 6);
    d.live(7, 7);

    CHECK(d.applied == Driver::Applied{{6, 1}, {6, 2}, {7, 7}});
}

TEST_CASE("a connection that is lost in the middle of a batch leaves nothing behind", "[replication][feed]") {
    Driver d{5};
    d.position(5);
    d.live(std::nullopt, 1);

    d.feed.on_link_lost(kLink);
    CHECK(!d.feed.connected());
    d.live(6, 2);  // what was still buffered of the old connection
    d.position(6, kNewLink);
    d.fetched({{6, row(1)}, {6, row(2)}}, 6);

    CHECK(d.applied == Driver::Applied{{6, 1}, {6, 2}});
}

TEST_CASE("rows of an old connection never mix with the new one's", "[replication][feed]") {
    Driver d{5};
    d.position(8);
    d.live(9, 90);
    const auto old_fetch = *d.fetch;

    d.position(10, kNewLink);
    CHECK(d.feed.on_fetched(old_fetch.id, {{{6, row(60)}}, 8, false}).empty());
    d.live(11, 110, kLink);
    d.live(11, 111, kNewLink);
    d.fetched({{6, row(60)}, {10, row(100)}}, 10);

    CHECK(d.applied == Driver::Applied{{6, 60}, {10, 100}, {11, 111}});
}

TEST_CASE("a lower POSITION of a stream in the database becomes the floor, so that reused tokens are seen",
          "[replication][feed]") {
    Driver d{10};

    d.position(8);
    CHECK(!d.fetch);
    CHECK(!d.rewound);
    CHECK(d.feed.connected());
    d.live(9, 90);

    CHECK(d.applied == Driver::Applied{{9, 90}});
}

TEST_CASE("a lower POSITION of a stream in memory wipes it and fetches anew", "[replication][feed]") {
    Feed::Options in_memory;
    in_memory.in_memory = true;
    Driver d{10, in_memory};

    d.position(3);

    CHECK(d.rewound == 0);
    REQUIRE(d.fetch);
    CHECK(d.fetch->from == 0);
    CHECK(d.fetch->upto == 3);
    d.fetched({{3, row(30)}}, 3);
    CHECK(d.applied == Driver::Applied{{3, 30}});
    CHECK(d.feed.connected());
}

TEST_CASE("a POSITION repeated on a live connection changes nothing", "[replication][feed]") {
    Driver d{5};
    d.position(5);
    d.live(6, 60);

    d.position(6);
    d.live(7, 70);

    CHECK(!d.fetch);
    CHECK(d.applied == Driver::Applied{{6, 60}, {7, 70}});
}

TEST_CASE("old tokens are duplicates", "[replication][feed]") {
    Driver d{5};
    d.position(5);

    d.live(5, 50);
    d.live(6, 60);
    d.live(6, 60);

    CHECK(d.applied == Driver::Applied{{6, 60}});
    CHECK(d.feed.duplicates() == 2);
}

TEST_CASE("a stream whose tokens come in any order applies them all", "[replication][feed]") {
    Feed::Options options;
    options.tokens_ascend = false;
    Driver d{5, options};
    d.position(5);

    d.live(9, 90);
    d.live(8, 80);

    CHECK(d.applied == Driver::Applied{{9, 90}, {8, 80}});
    CHECK(d.feed.position() == 9);
}

TEST_CASE("when too many rows wait they are dropped and fetched instead", "[replication][feed]") {
    Feed::Options options;
    options.queued_rows_max = 3;
    Driver d{0, options};
    d.position(1);

    for (int token = 2; token <= 20; ++token) d.live(token, token);
    CHECK(d.feed.queued_rows() == 0);
    CHECK(d.feed.overflows() == 1);
    d.fetched({{1, row(1)}}, 1);

    REQUIRE(d.fetch);
    CHECK(d.fetch->from == 1);
    CHECK(d.fetch->upto == 20);
    std::vector<Update> missed;
    for (int token = 2; token <= 20; ++token) missed.push_back({token, row(token)});
    d.fetched(std::move(missed), 20);
    d.live(21, 21);
    REQUIRE(d.applied.size() == 21);
    for (int i = 0; i < 21; ++i) CHECK(d.applied[static_cast<std::size_t>(i)].first == i + 1);
}

TEST_CASE("a batch that lost its first rows to an overflow is fetched whole", "[replication][feed]") {
    Feed::Options options;
    options.queued_rows_max = 1;
    Driver d{0, options};
    d.position(1);
    d.live(2, 2);
    d.live(std::nullopt, 30);  // overflows

    d.fetched({{1, row(1)}}, 1);
    REQUIRE(d.fetch);
    CHECK(d.fetch->upto == 2);
    d.fetched({{2, row(2)}}, 2);
    d.live(3, 31);
    REQUIRE(d.fetch);
    CHECK(d.fetch->from == 2);
    CHECK(d.fetch->upto == 3);
    d.fetched({{3, row(30)}, {3, row(31)}}, 3);

    CHECK(d.applied == Driver::Applied{{1, 1}, {2, 2}, {3, 30}, {3, 31}});
}

TEST_CASE("an endless batch is bounded and fetched when it ends", "[replication][feed]") {
    Feed::Options options;
    options.queued_rows_max = 10;
    Driver d{0, options};
    d.position(0);

    for (int i = 0; i < 50; ++i) d.live(std::nullopt, i);
    d.live(1, 50);

    CHECK(d.applied.empty());
    REQUIRE(d.fetch);
    CHECK(d.fetch->upto == 1);
}

TEST_CASE("a fetch that was under way when the connection broke still counts", "[replication][feed]") {
    Driver d{5};
    d.position(9);
    d.feed.on_link_lost(kLink);

    d.fetched({{6, row(60)}}, 7, true);

    CHECK(d.applied == Driver::Applied{{6, 60}});
    CHECK(d.feed.position() == 7);
    CHECK(!d.feed.connected());
    CHECK(!d.fetch);
    d.position(9, kNewLink);
    REQUIRE(d.fetch);
    CHECK(d.fetch->from == 7);
}

TEST_CASE("a POSITION without rows since a token that we have costs no fetch", "[replication][feed]") {
    Driver d{5};
    d.position(5);
    d.live(6, 60);

    d.position_since(6, 9);

    CHECK(!d.fetch);
    CHECK(d.advanced == 9);
    CHECK(d.feed.position() == 9);
    CHECK(d.feed.connected());
    CHECK(d.caught_up == 1);
    d.live(8, 80);  // nothing was said to be there
    d.live(10, 100);
    CHECK(d.applied == Driver::Applied{{6, 60}, {10, 100}});
}

TEST_CASE("a POSITION without rows since a token that we lack is fetched like any other",
          "[replication][feed]") {
    Driver d{5};
    d.position(5);

    d.position_since(7, 9);

    REQUIRE(d.fetch);
    CHECK(d.fetch->from == 5);
    CHECK(d.fetch->upto == 9);
}

TEST_CASE("a new connection's first POSITION is not taken at its word", "[replication][feed]") {
    Driver d{5};

    d.position_since(5, 9);

    REQUIRE(d.fetch);
    CHECK(d.fetch->from == 5);
}

TEST_CASE("a POSITION without rows waits for what is being fetched", "[replication][feed]") {
    Driver d{5};
    d.position(7);

    d.position_since(7, 9);
    CHECK(!d.advanced);
    d.fetched({{7, row(70)}}, 7);

    CHECK(!d.fetch);
    CHECK(d.feed.position() == 9);
}

TEST_CASE("a POSITION without rows that interrupts a batch is fetched", "[replication][feed]") {
    Driver d{5};
    d.position(5);
    d.live(std::nullopt, 1);

    d.position_since(5, 6);

    REQUIRE(d.fetch);
    CHECK(d.fetch->from == 5);
    CHECK(d.fetch->upto == 6);
}

TEST_CASE("rows in memory that begin above ours are those of a restarted writer", "[replication][feed]") {
    Feed::Options in_memory;
    in_memory.in_memory = true;
    Driver d{1'007, in_memory};
    d.position(2'003);

    REQUIRE(d.fetch);
    d.take(d.feed.on_fetched(d.fetch->id, {{{2'002, row(2)}}, 2'003, false, 2'000}));

    CHECK(d.rewound == 0);
    CHECK(d.applied == Driver::Applied{{2'002, 2}});
    CHECK(d.feed.position() == 2'003);
}

TEST_CASE("rows in memory of the life of the writer that we know add to what is there",
          "[replication][feed]") {
    Feed::Options in_memory;
    in_memory.in_memory = true;
    Driver d{2'001, in_memory};
    d.position(2'003);

    REQUIRE(d.fetch);
    d.take(d.feed.on_fetched(d.fetch->id, {{{2'002, row(2)}}, 2'003, false, 2'000}));

    CHECK(!d.rewound);
    CHECK(d.applied == Driver::Applied{{2'002, 2}});
}

TEST_CASE("a feed has caught up only when what waited is applied", "[replication][feed]") {
    Feed feed{5, {}};
    const auto asked = feed.on_position(kLink, 6);
    const auto id = std::get<FetchRows>(asked.front()).id;
    feed.on_row(kLink, 7, row(70), 10);

    const auto actions = feed.on_fetched(id, {{{6, row(60)}}, 6, false});

    REQUIRE(actions.size() == 3);
    CHECK(std::get<ApplyRows>(actions[0]).token == 6);
    CHECK(std::get<ApplyRows>(actions[1]).token == 7);
    CHECK(std::holds_alternative<CaughtUp>(actions[2]));
}
