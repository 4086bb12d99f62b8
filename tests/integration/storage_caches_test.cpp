#include <catch2/catch.hpp>

#include <future>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/json/serialize.hpp>

#include "postgres_fixture.hpp"

using namespace weft;
using storage::StreamRows;
using storage::Transaction;
using test::StorageFixture;
using Strings = std::vector<std::string>;

namespace {

struct Announced {
    explicit Announced(storage::StreamState& stream) {
        stream.set_publisher([this](std::int64_t token, const StreamRows& published) {
            tokens.push_back(token);
            for (const auto& row : published) rows.push_back(boost::json::serialize(row));
        });
    }
    std::vector<std::int64_t> tokens;
    Strings rows;
};

}  // namespace

TEST_CASE("an invalidation is a row in the database, drops the local entry and is announced") {
    StorageFixture fixture;
    Strings dropped;
    fixture.registry.add(
        "get_user_by_id", [&](const Strings& keys) { dropped = keys; }, [] {});
    Announced announced{fixture.caches};

    fixture.run(fixture.db.run("invalidate", [&](Transaction& txn) {
        fixture.cache_writer.invalidate(txn, "get_user_by_id", {"@\"odd\\:test"});
    }));

    CHECK(dropped == Strings{"@\"odd\\:test"});
    REQUIRE(announced.rows.size() == 1);
    CHECK(announced.rows[0] ==
          R"(["get_user_by_id",["@\"odd\\:test"],)" + std::to_string(fixture.clock.now_ms()) + "]");
    CHECK(fixture.sql("SELECT stream_id, instance_name, cache_func, keys[1] FROM "
                      "cache_invalidation_stream_by_instance") ==
          std::vector<Strings>{
              {std::to_string(announced.tokens[0]), "master", "get_user_by_id", "@\"odd\\:test"}});
    CHECK(fixture.caches.position("master") == announced.tokens[0]);
}

TEST_CASE("an invalidation of a whole cache has no keys") {
    StorageFixture fixture;
    bool all = false;
    fixture.registry.add(
        "get_users", [](const Strings&) {}, [&] { all = true; });
    Announced announced{fixture.caches};

    fixture.run(fixture.db.run(
        "invalidate_all", [&](Transaction& txn) { fixture.cache_writer.invalidate_all(txn, "get_users"); }));

    CHECK(all);
    CHECK(announced.rows.at(0).starts_with(R"(["get_users",null,)"));
    CHECK(fixture.sql("SELECT keys FROM cache_invalidation_stream_by_instance").front().front() == "NULL");
}

TEST_CASE("a transaction that fails invalidates and announces nothing, and holds nobody up") {
    StorageFixture fixture;
    int dropped = 0;
    fixture.registry.add(
        "cache", [&](const Strings&) { ++dropped; }, [] {});
    Announced announced{fixture.caches};

    CHECK_THROWS(fixture.run(fixture.db.run("fails", [&](Transaction& txn) {
        fixture.cache_writer.invalidate(txn, "cache", {"a"});
        throw std::runtime_error{"no"};
    })));
    CHECK(announced.tokens.empty());
    fixture.run(fixture.db.run(
        "works", [&](Transaction& txn) { fixture.cache_writer.invalidate(txn, "cache", {"b"}); }));

    CHECK(dropped >= 1);
    CHECK(announced.tokens.size() == 1);
}

TEST_CASE(
    "a row that committed before one with a smaller token waits to be announced, not to be applied here") {
    StorageFixture fixture;
    Strings dropped;
    fixture.registry.add(
        "cache", [&](const Strings& keys) { dropped.push_back(keys.at(0)); }, [] {});
    Announced announced{fixture.caches};
    std::promise<void> slow_has_token;
    std::promise<void> fast_is_done;
    const bool slow_fails = GENERATE(false, true);

    const auto slow = [&]() -> Task<void> {
        try {
            co_await fixture.db.run("slow", [&](Transaction& txn) {
                fixture.cache_writer.invalidate(txn, "cache", {"slow"});
                slow_has_token.set_value();
                fast_is_done.get_future().wait();
                if (slow_fails) throw std::runtime_error{"no"};
            });
        } catch (const std::runtime_error&) {
            CHECK(slow_fails);
        }
    };
    const auto fast = [&]() -> Task<void> {
        co_await fixture.db.run("fast", [&](Transaction& txn) {
            slow_has_token.get_future().wait();
            fixture.cache_writer.invalidate(txn, "cache", {"fast"});
        });
        CHECK(dropped == Strings{"fast"});
        CHECK(announced.tokens.empty());
        fast_is_done.set_value();
    };
    const auto both = [&]() -> Task<void> {
        using namespace asio::experimental::awaitable_operators;
        co_await (slow() && fast());
    };
    fixture.run(both());
    fixture.io.restart();
    fixture.io.run();

    CHECK(announced.tokens == (slow_fails ? std::vector<std::int64_t>{2} : std::vector<std::int64_t>{1, 2}));
}

TEST_CASE("another process applies the rows, from the stream and from the database") {
    StorageFixture master;
    StorageFixture worker{master, "worker1"};
    Strings dropped;
    worker.registry.add(
        "cache", [&](const Strings& keys) { dropped = keys; }, [] {});
    for (const auto* key : {"a", "b", "c"}) {
        master.run(master.db.run("invalidate", [&](Transaction& txn) {
            master.cache_writer.invalidate(txn, "cache", {key, "x"});
        }));
    }

    const auto page = worker.run(worker.cache_writer.updates("master", 1, 3, 1));
    REQUIRE(page.rows.size() == 1);
    CHECK(page.rows[0].first == 2);
    CHECK(page.limited);
    CHECK(page.upto == 2);
    const auto rest = worker.run(worker.cache_writer.updates("master", 2, 3, 100));
    CHECK(rest.rows.size() == 1);
    CHECK_FALSE(rest.limited);
    CHECK(rest.upto == 3);
    CHECK(worker.run(worker.cache_writer.updates("worker1", 0, 3, 100)).rows.empty());
    // What lies beyond may have gaps that are filled later.
    const auto announced = worker.run(worker.cache_writer.updates("master", 0, 2, 100));
    CHECK(announced.rows.size() == 2);
    CHECK(announced.upto == 2);

    worker.caches.apply("master", rest.rows[0].first, {rest.rows[0].second});
    CHECK(dropped == Strings{"c", "x"});
    CHECK(worker.caches.position("master") == 3);
}
