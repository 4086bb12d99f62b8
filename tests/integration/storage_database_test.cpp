#include <catch2/catch.hpp>

#include <future>
#include <numeric>
#include <set>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include "postgres_fixture.hpp"
#include "weft/core/metrics.hpp"
#include "weft/storage/store_error.hpp"

using namespace weft;
using storage::Rows;
using storage::Sql;
using storage::StoreError;
using storage::Transaction;
using test::StorageFixture;

namespace {

constexpr Sql kEcho{"test_echo", "SELECT $1::text, $2::text[], $3::bigint"};
constexpr Sql kRead{"test_read", "SELECT value FROM counter WHERE id = 1"};
constexpr Sql kWrite{"test_write", "UPDATE counter SET value = $1 WHERE id = 1"};
constexpr Sql kInsert{"test_insert", "INSERT INTO counter (id, value) VALUES ($1, $2)"};
constexpr Sql kTerminateSelf{"test_terminate_self", "SELECT pg_terminate_backend(pg_backend_pid())"};
constexpr Sql kBackend{"test_backend", "SELECT pg_backend_pid()"};
constexpr Sql kIsolation{"test_isolation", "SHOW transaction_isolation"};

constexpr auto kCounter =
    "CREATE TABLE counter (id BIGINT CONSTRAINT counter_pkey PRIMARY KEY, value BIGINT); "
    "INSERT INTO counter VALUES (1, 0)";

double metric(const std::string& name, const core::Labels& labels = {}) {
    return core::counter(name, "", labels).value();
}

/// A log context to run in, so that its usage can be read afterwards.
template <class T>
T run_as(StorageFixture& fixture, const core::LogContextPtr& context, Task<T> task) {
    std::optional<T> value;
    auto body = [](Task<T> inner, std::optional<T>& out) -> Task<void> {
        out.emplace(co_await std::move(inner));
    };
    asio::co_spawn(core::with_context(fixture.io.get_executor(), context), body(std::move(task), value),
                   [](std::exception_ptr failure) {
                       if (failure) std::rethrow_exception(failure);
                   });
    fixture.io.restart();
    fixture.io.run();
    return std::move(*value);
}

}  // namespace

TEST_CASE("parameters come back as they went in, also NULL and what needs escaping in arrays") {
    StorageFixture fixture;
    const std::vector<std::optional<std::string>> texts{R"(a "quoted" \ {x,y})", "", "NULL", std::nullopt,
                                                        "héllo 🐈"};

    const auto rows = fixture.run(fixture.db.query(kEcho, "it's", texts, nullptr));
    const auto cells = fixture.run(fixture.db.query(
        Sql{"test_unnest", "SELECT t FROM unnest($1::text[]) WITH ORDINALITY AS u(t, n) ORDER BY n"}, texts));

    CHECK(rows.front()[0].view() == "it's");
    CHECK(rows.front()[2].is_null());
    REQUIRE(cells.size() == texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) CHECK(cells[i][0].opt_str() == texts[i]);
}

TEST_CASE("a parameter with U+0000 is refused, not cut") {
    StorageFixture fixture;

    CHECK_THROWS_WITH(fixture.run(fixture.db.query(kEcho, std::string{"a\0b", 3}, nullptr, nullptr)),
                      Catch::Contains("test_echo") && Catch::Contains("$1") && Catch::Contains("U+0000"));
}

TEST_CASE("a failed statement is a StoreError that names it, and the connection goes on") {
    StorageFixture fixture;

    CHECK_THROWS_WITH(fixture.run(fixture.db.query(Sql{"test_broken", "SELECT * FROM no_such_table"})),
                      Catch::Contains("test_broken") && Catch::Contains("no_such_table"));
    CHECK(fixture.run(fixture.db.query(kBackend)).size() == 1);
}

TEST_CASE("a unique violation says which constraint") {
    StorageFixture fixture;
    fixture.sql(kCounter);

    try {
        fixture.run(fixture.db.query(kInsert, 1, 5));
        FAIL("the second row with this key was accepted");
    } catch (const storage::UniqueViolation& error) {
        CHECK(error.constraint() == "counter_pkey");
    }
}

TEST_CASE("two statements with one name are told apart") {
    StorageFixture fixture;
    const auto both = [&fixture]() -> Task<void> {
        co_await fixture.db.run("twice", [](Transaction& txn) {
            txn.exec(Sql{"test_same_name", "SELECT 1"});
            txn.exec(Sql{"test_same_name", "SELECT 2"});
        });
    };

    CHECK_THROWS_AS(fixture.run(both()), StoreError);
}

TEST_CASE("a transaction is REPEATABLE READ, a single statement has no transaction around it") {
    StorageFixture fixture;

    const auto inside = fixture.run(
        fixture.db.run("isolation", [](Transaction& txn) { return txn.exec(kIsolation).front()[0].str(); }));
    const auto alone = fixture.run(fixture.db.query(kIsolation)).front()[0].str();

    CHECK(inside == "repeatable read");
    CHECK(alone == "read committed");
}

TEST_CASE("what a failed transaction did is undone and its callbacks do not run") {
    StorageFixture fixture;
    fixture.sql(kCounter);
    bool called = false;

    CHECK_THROWS_AS(fixture.run(fixture.db.run("fails",
                                               [&called](Transaction& txn) {
                                                   txn.exec(kWrite, 7);
                                                   txn.call_after([&called] { called = true; });
                                                   throw std::runtime_error{"no"};
                                               })),
                    std::runtime_error);

    CHECK_FALSE(called);
    CHECK(fixture.sql("SELECT value FROM counter").front().front() == "0");
}

TEST_CASE("a transaction whose body swallows a failed statement does not pretend to have committed") {
    StorageFixture fixture;
    fixture.sql(kCounter);

    const auto swallow = [&fixture]() -> Task<void> {
        co_await fixture.db.run("swallows", [](Transaction& txn) {
            txn.exec(kWrite, 7);
            try {
                txn.exec(kInsert, 1, 1);
            } catch (const StoreError&) {
                return;  // the transaction is lost all the same
            }
        });
    };

    CHECK_THROWS_AS(fixture.run(swallow()), storage::UniqueViolation);
    CHECK(fixture.sql("SELECT value FROM counter").front().front() == "0");
}

TEST_CASE("callbacks run after commit, on the logic thread, before the caller goes on") {
    StorageFixture fixture;
    fixture.sql(kCounter);
    std::vector<std::string> order;
    const auto logic_thread = std::this_thread::get_id();
    bool on_logic_thread = false;
    std::thread::id destroyed_on;

    const auto work = [&]() -> Task<void> {
        co_await fixture.db.run("callbacks", [&](Transaction& txn) {
            txn.exec(kWrite, 3);
            txn.call_after([&] {
                on_logic_thread = std::this_thread::get_id() == logic_thread;
                order.push_back("callback sees " + fixture.sql("SELECT value FROM counter").front().front());
            });
            txn.call_after([] { throw std::runtime_error{"a broken callback"}; });
            const std::shared_ptr<int> held{new int{1}, [&destroyed_on](const int* value) {
                                                delete value;
                                                destroyed_on = std::this_thread::get_id();
                                            }};
            txn.call_after([&order, held] { order.push_back("second callback"); });
        });
        order.push_back("caller");
    };
    fixture.run(work());

    CHECK(order == std::vector<std::string>{"callback sees 3", "second callback", "caller"});
    CHECK(on_logic_thread);
    const bool destroyed_there = destroyed_on == logic_thread;
    CHECK(destroyed_there);
}

TEST_CASE("a transaction that meets another one's write is run again from the start") {
    StorageFixture fixture;
    fixture.sql(kCounter);
    std::promise<void> has_read;
    std::promise<void> other_committed;
    int attempts = 0;
    const auto retries_before = metric("weft_db_transaction_retries_total");

    const auto slow = [&]() -> Task<void> {
        co_await fixture.db.run("slow", [&](Transaction& txn) {
            const auto value = txn.exec(kRead).front()[0].i64();
            if (++attempts == 1) {
                has_read.set_value();
                other_committed.get_future().wait();
            }
            txn.exec(kWrite, value + 10);
            txn.call_after([&attempts] { attempts += 100; });
        });
    };
    const auto fast = [&]() -> Task<void> {
        co_await fixture.db.run("fast", [&](Transaction& txn) {
            has_read.get_future().wait();
            txn.exec(kWrite, txn.exec(kRead).front()[0].i64() + 1);
        });
        other_committed.set_value();
    };
    const auto both = [&]() -> Task<void> {
        using namespace asio::experimental::awaitable_operators;
        co_await (slow() && fast());
    };
    fixture.run(both());

    CHECK(attempts == 102);  // two runs, one set of callbacks
    CHECK(fixture.sql("SELECT value FROM counter").front().front() == "11");
    CHECK(metric("weft_db_transaction_retries_total") == retries_before + 1);
}

TEST_CASE("a transaction that always conflicts is given up after five attempts") {
    StorageFixture fixture;
    int attempts = 0;

    CHECK_THROWS_AS(
        fixture.run(fixture.db.run("hopeless",
                                   [&attempts](Transaction& txn) {
                                       ++attempts;
                                       txn.exec_script(
                                           "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END $$");
                                   })),
        StoreError);

    CHECK(attempts == 5);
}

TEST_CASE("a connection that breaks before commit is replaced and the transaction run again") {
    StorageFixture fixture;
    fixture.sql(kCounter);
    int attempts = 0;

    fixture.run(fixture.db.run("broken_once", [&attempts](Transaction& txn) {
        txn.exec(kWrite, 5);
        if (++attempts == 1) txn.exec(kTerminateSelf);
    }));

    CHECK(attempts == 2);
    CHECK(fixture.sql("SELECT value FROM counter").front().front() == "5");
}

TEST_CASE("connections that the server closed while they were idle are not used") {
    StorageFixture fixture;
    fixture.sql(kCounter);
    const auto before = fixture.run(fixture.db.query(kBackend)).front()[0].str();

    // With a timeout it waits until they are gone.
    fixture.sql(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND pid "
        "<> pg_backend_pid()");
    // A write is never repeated by itself: it works because the dead connection is noticed first.
    fixture.run(fixture.db.query(kWrite, 9));

    CHECK(fixture.run(fixture.db.query(kBackend)).front()[0].str() != before);
    CHECK(fixture.sql("SELECT value FROM counter").front().front() == "9");
}

TEST_CASE("a single statement whose connection breaks is repeated only if it reads") {
    StorageFixture fixture;
    fixture.sql(kCounter);
    const auto retries = [] { return metric("weft_db_transaction_retries_total"); };
    const auto before = retries();

    CHECK_THROWS_AS(fixture.run(fixture.db.query(
                        Sql{"test_write_and_die",
                            "INSERT INTO counter SELECT 2, pg_terminate_backend(pg_backend_pid())::int"})),
                    storage::CommitInDoubt);
    CHECK(retries() == before);

    CHECK_THROWS_AS(fixture.run(fixture.db.query(kTerminateSelf)), StoreError);
    CHECK(retries() == before + 4);
}

TEST_CASE("a server that cannot be reached is a StoreError") {
    asio::io_context io;
    core::DatabaseConfig config;
    config.connection_string = "host=/nonexistent dbname=none connect_timeout=1";
    config.connections_max = 1;
    storage::Database db{config, "test", io.get_executor()};

    CHECK_THROWS_AS(test::run(io, db.query(kBackend)), StoreError);
}

TEST_CASE("as many transactions run at once as there are connections, and the others wait their turn") {
    StorageFixture fixture;
    std::atomic<int> inside{0};
    std::atomic<int> most{0};
    const auto work = [&]() -> Task<void> {
        co_await fixture.db.run("parallel", [&](Transaction& txn) {
            const int now = ++inside;
            for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
            }
            txn.exec(Sql{"test_pause", "SELECT pg_sleep(0.02)"});
            --inside;
        });
    };
    const auto all = [&]() -> Task<void> {
        using namespace asio::experimental::awaitable_operators;
        co_await ((work() && work() && work()) && (work() && work() && work()) && (work() && work()));
    };

    fixture.run(all());

    CHECK(most == 4);
    CHECK(inside == 0);
}

TEST_CASE("an answer of many megabytes comes whole, and so does a parameter go") {
    StorageFixture fixture;
    fixture.run(fixture.db.query(kBackend));  // from now on there is an idle connection

    const auto rows = fixture.run(fixture.db.query(
        Sql{"test_long_answer", "SELECT n, repeat('x', 1000) FROM generate_series(1, $1::int) AS n"}, 20'000));
    const auto length = fixture.run(fixture.db.query(Sql{"test_long_parameter", "SELECT length($1::text)"},
                                                     std::string(8'000'000, 'y')));

    REQUIRE(rows.size() == 20'000);
    CHECK(rows[19'999][0].i64() == 20'000);
    CHECK(rows[19'999][1].view() == std::string(1000, 'x'));
    CHECK(length.front()[0].i64() == 8'000'000);
}

TEST_CASE("statements that come at once are all answered, on no more connections than there may be") {
    StorageFixture fixture;
    std::set<std::string> backends;
    std::vector<std::int64_t> answers;
    const auto ask = [&](int number) -> Task<void> {
        const auto rows = co_await fixture.db.query(
            Sql{"test_ask", "SELECT $1::bigint, pg_backend_pid(), pg_sleep(0.002)"}, number);
        answers.push_back(rows.front()[0].i64());
        backends.insert(rows.front()[1].str());
    };
    const auto all = [&]() -> Task<void> {
        using namespace asio::experimental::awaitable_operators;
        for (int round = 0; round < 10; ++round) {
            co_await ((ask(1) && ask(2) && ask(3) && ask(4)) && (ask(5) && ask(6) && ask(7) && ask(8)));
        }
    };

    fixture.run(all());

    CHECK(answers.size() == 80);
    CHECK(std::accumulate(answers.begin(), answers.end(), std::int64_t{0}) == 360);
    CHECK(backends.size() <= 4);
}

TEST_CASE("a statement whose caller is cancelled is finished all the same") {
    StorageFixture fixture;
    fixture.sql(kCounter);
    const auto backend = fixture.run(fixture.db.query(kBackend)).front()[0].str();
    asio::cancellation_signal cancel;
    const Sql slow{"test_slow_write", "INSERT INTO counter SELECT 2, length(pg_sleep(0.05)::text)"};
    bool ended = false;
    const auto write = [&]() -> Task<void> { co_await fixture.db.query(slow); };
    const auto context = std::make_shared<core::LogContext>("cancelled");
    asio::co_spawn(core::with_context(fixture.io.get_executor(), context), write(),
                   asio::bind_cancellation_slot(cancel.slot(), [&ended](const std::exception_ptr&) { ended = true; }));
    fixture.io.restart();
    fixture.io.poll();  // it is on its way

    cancel.emit(asio::cancellation_type::terminal);
    fixture.io.restart();
    fixture.io.run();

    CHECK(ended);
    CHECK(fixture.sql("SELECT count(*) FROM counter").front().front() == "2");
    CHECK(fixture.run(fixture.db.query(kBackend)).front()[0].str() == backend);
}

TEST_CASE("a database that ends while a statement is on its way takes nobody with it") {
    StorageFixture fixture;
    std::exception_ptr failure;
    {
        auto db = std::make_unique<storage::Database>(fixture.database->config(), "ends", fixture.io.get_executor());
        fixture.run(db->query(kBackend));
        const auto context = std::make_shared<core::LogContext>("late");
        const auto wait = [&db]() -> Task<void> { co_await db->query(Sql{"test_late", "SELECT pg_sleep(0.05)"}); };
        asio::co_spawn(core::with_context(fixture.io.get_executor(), context), wait(),
                       [&failure](std::exception_ptr why) { failure = std::move(why); });
        fixture.io.restart();
        fixture.io.poll();
        db.reset();
        fixture.io.restart();
        fixture.io.run();
    }
    CHECK(core::is_cancellation(failure));
}

TEST_CASE("what a transaction used is counted for the context that started it") {
    StorageFixture fixture;
    const auto parent = std::make_shared<core::LogContext>("request");
    const auto context = std::make_shared<core::LogContext>("handler", parent);
    const core::Labels labels{{"name", "test_backend"}};
    const auto count_before = metric("weft_db_transactions_total", labels);

    run_as(fixture, context, fixture.db.query(kBackend));

    CHECK(context->usage().db_transactions == 1);
    CHECK(context->usage().db_ns > 0);
    CHECK(parent->usage().db_transactions == 1);
    CHECK(metric("weft_db_transactions_total", labels) == count_before + 1);
}

TEST_CASE("a transaction that was started outside any log context is counted") {
    StorageFixture fixture;
    const auto before = metric("weft_db_sentinel_transactions_total");

    run_as(fixture, core::sentinel_context(), fixture.db.query(kBackend));
    CHECK(metric("weft_db_sentinel_transactions_total") == before + 1);

    fixture.run(fixture.db.query(kBackend));
    CHECK(metric("weft_db_sentinel_transactions_total") == before + 1);
}
