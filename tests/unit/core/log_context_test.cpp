#include <catch2/catch.hpp>

#include <ctime>
#include <thread>

#include "run_task.hpp"
#include "spawned.hpp"
#include "weft/core/log_context.hpp"

using namespace weft;
using core::ContextScope;
using core::current_context;
using core::LogContext;
using core::LogContextPtr;
using core::sentinel_context;

namespace {

LogContextPtr context(std::string name, LogContextPtr parent = nullptr) {
    return std::make_shared<LogContext>(std::move(name), std::move(parent));
}

/// Uses measurable time.
void work() {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds{2};
    while (std::chrono::steady_clock::now() < until) {
    }
}

/// How many misuses `function` is reported for.
template <class Function>
std::int64_t misuses_of(Function function) {
    const auto before = core::log_context_misuse_count();
    function();
    return core::log_context_misuse_count() - before;
}

}  // namespace

TEST_CASE("outside of all work the sentinel context is current") {
    CHECK(current_context() == sentinel_context());
    CHECK(core::set_current_context(nullptr) == sentinel_context());
    CHECK(current_context() == sentinel_context());
    LogContextPtr elsewhere;
    std::thread{[&] { elsewhere = current_context(); }}.join();
    CHECK(elsewhere == sentinel_context());
}

TEST_CASE("the sentinel collects no usage") {
    ContextScope scope{sentinel_context()};
    work();
    CHECK(sentinel_context()->usage().cpu_ns == 0);
}

TEST_CASE("scopes nest and restore the context before them") {
    const auto outer = context("outer");
    const auto inner = context("inner");
    CHECK(misuses_of([&] {
              const ContextScope a{outer};
              CHECK(current_context() == outer);
              {
                  const ContextScope b{inner};
                  CHECK(current_context() == inner);
                  const ContextScope same{inner};
                  CHECK(current_context() == inner);
              }
              CHECK(current_context() == outer);
          }) == 0);
    CHECK(current_context() == sentinel_context());
}

TEST_CASE("work inside a nested context is not counted for the outer one, unless that is its parent") {
    const auto outer = context("outer");
    const auto stranger = context("stranger");
    const auto child = context("child", outer);
    {
        const ContextScope a{outer};
        const ContextScope b{stranger};
        work();
    }
    CHECK(stranger->usage().cpu_ns >= 2'000'000);
    CHECK(outer->usage().cpu_ns < stranger->usage().cpu_ns);

    const auto before = outer->usage().cpu_ns;
    {
        const ContextScope c{child};
        work();
    }
    CHECK(child->usage().cpu_ns >= 2'000'000);
    CHECK(outer->usage().cpu_ns - before == child->usage().cpu_ns);
}

TEST_CASE("usage measured elsewhere reaches all ancestors") {
    const auto grandparent = context("grandparent");
    const auto parent = context("parent", grandparent);
    const auto child = context("child", parent);
    child->add_usage({.cpu_ns = 1, .db_transactions = 2, .db_ns = 3, .db_wait_ns = 4, .events_fetched = 5});
    child->add_usage({.db_transactions = 1});
    for (const auto& each : {child, parent, grandparent}) {
        CHECK(each->usage().cpu_ns == 1);
        CHECK(each->usage().db_transactions == 3);
        CHECK(each->usage().db_ns == 3);
        CHECK(each->usage().db_wait_ns == 4);
        CHECK(each->usage().events_fetched == 5);
    }
}

TEST_CASE("use of a finished context is reported") {
    const auto finished = context("finished");
    CHECK(misuses_of([&] { finished->finish(); }) == 0);
    CHECK(finished->finished());
    CHECK(misuses_of([&] { const ContextScope scope{finished}; }) == 1);
    CHECK(misuses_of([&] { finished->finish(); }) == 1);
}

TEST_CASE("a context may be finished by the work that runs in it") {
    const auto own = context("own");
    CHECK(misuses_of([&] {
              const ContextScope scope{own};
              own->finish();
          }) == 0);
}

TEST_CASE("a stop without a start is reported and counts nothing") {
    const auto one = context("one");
    CHECK(misuses_of([&] { one->stop(); }) == 1);
    CHECK(one->usage().cpu_ns == 0);
    CHECK(misuses_of([&] {
              one->start();
              one->stop();
          }) == 0);
}

TEST_CASE("misuse on another thread counts as well") {
    const auto finished = context("finished");
    finished->finish();
    CHECK(misuses_of([&] { std::thread{[&] { const ContextScope scope{finished}; }}.join(); }) == 1);
}

TEST_CASE("a coroutine keeps its context across timers") {
    asio::io_context io;
    const auto own = context("own");
    std::vector<LogContextPtr> seen;
    const auto misuses = misuses_of([&] {
        const auto task = test::spawn(core::with_context(io.get_executor(), own), [&]() -> Task<void> {
            seen.push_back(current_context());
            co_await core::sleep_for(core::Milliseconds{1});
            seen.push_back(current_context());
            co_await core::sleep_for(core::Milliseconds{0});
            seen.push_back(current_context());
        });
        test::run_until(io, [&] { return task->done; });
    });
    CHECK(seen == std::vector<LogContextPtr>(3, own));
    CHECK(current_context() == sentinel_context());
    CHECK(misuses == 0);
}

TEST_CASE("coroutines that take turns keep their contexts apart") {
    asio::io_context io;
    const auto first = context("first");
    const auto second = context("second");
    core::Signal signal{io.get_executor()};
    int wrong = 0;
    const auto body = [&](LogContextPtr own, bool busy) -> Task<void> {
        for (int i = 0; i < 5; ++i) {
            if (busy) work();
            co_await signal.wait();
            if (current_context() != own) ++wrong;
        }
    };
    const auto misuses = misuses_of([&] {
        const auto a =
            test::spawn(core::with_context(io.get_executor(), first), [&] { return body(first, true); });
        const auto b =
            test::spawn(core::with_context(io.get_executor(), second), [&] { return body(second, false); });
        while (!a->done || !b->done) {
            test::run_ready(io);
            CHECK(current_context() == sentinel_context());
            signal.notify_all();
        }
    });
    CHECK(wrong == 0);
    CHECK(misuses == 0);
    CHECK(first->usage().cpu_ns >= 10'000'000);
    CHECK(second->usage().cpu_ns < first->usage().cpu_ns);
}

TEST_CASE("time spent waiting is not counted") {
    asio::io_context io;
    const auto own = context("own");
    const auto started = std::chrono::steady_clock::now();
    const auto task = test::spawn(core::with_context(io.get_executor(), own),
                                  [] { return core::sleep_for(core::Milliseconds{50}); });
    test::run_until(io, [&] { return task->done; });
    const auto elapsed = std::chrono::steady_clock::now() - started;
    CHECK(own->usage().cpu_ns < std::chrono::nanoseconds{elapsed}.count() / 2);
}

TEST_CASE("a context comes back after a hop to a pool thread, which has none") {
    asio::io_context io;
    core::CpuPool pool{1};
    const auto own = context("own");
    LogContextPtr on_pool;
    LogContextPtr after;
    std::thread::id pool_thread;
    const auto misuses = misuses_of([&] {
        const auto task = test::spawn(core::with_context(io.get_executor(), own), [&]() -> Task<void> {
            pool_thread = co_await pool.run([&] {
                on_pool = current_context();
                return std::this_thread::get_id();
            });
            after = current_context();
        });
        test::run_until(io, [&] { return task->done; });
    });
    CHECK(on_pool == sentinel_context());
    CHECK(after == own);
    CHECK(pool_thread != std::this_thread::get_id());
    CHECK(misuses == 0);
}

TEST_CASE("a context on an executor replaces the one it had") {
    asio::io_context io;
    const auto first = context("first");
    const auto second = context("second");
    const auto executor = core::with_context(core::with_context(io.get_executor(), first), second);
    LogContextPtr seen;
    asio::post(executor, [&] { seen = current_context(); });
    test::run_ready(io);
    CHECK(seen == second);
    CHECK(executor == core::with_context(io.get_executor(), second));
    CHECK(executor != core::with_context(io.get_executor(), first));
}
