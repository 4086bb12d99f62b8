#include <catch2/catch.hpp>

#include "run_task.hpp"
#include "spawned.hpp"
#include "weft/core/linearizer.hpp"

using namespace weft;
using core::Linearizer;

namespace {

/// Callers that take their turn and give it up when told.
struct Callers {
    Callers() = default;

    std::shared_ptr<test::Spawned> call(const std::string& key, int number) {
        auto task = test::spawn(io.get_executor(), [this, key, number]() -> Task<void> {
            const auto guard = co_await linearizer.lock(key);
            order.push_back(number);
            ++holders;
            co_await release.wait();
            --holders;
        });
        test::run_ready(io);
        return task;
    }
    void next() {
        release.notify_all();
        test::run_ready(io);
    }

    asio::io_context io;
    Linearizer linearizer{"test"};
    core::Signal release{io.get_executor()};
    std::vector<int> order;
    int holders = 0;
};

}  // namespace

TEST_CASE("a linearizer lets one caller in at a time, first come first served") {
    Callers callers;
    for (int number = 1; number <= 3; ++number) callers.call("room", number);
    CHECK(callers.order == std::vector{1});
    CHECK(callers.linearizer.waiting() == 2);
    callers.next();
    CHECK(callers.order == std::vector{1, 2});
    CHECK(callers.holders == 1);
    callers.call("room", 4);  // at the end of the queue
    callers.next();
    callers.next();
    callers.next();
    CHECK(callers.order == std::vector{1, 2, 3, 4});
    CHECK(callers.holders == 0);
    CHECK(callers.linearizer.waiting() == 0);
}

TEST_CASE("a caller who comes while the turn is handed over does not jump the queue") {
    Callers callers;
    callers.call("room", 1);
    callers.call("room", 2);
    callers.release.notify_all();
    // 1 ends and 2 is granted the turn in one run; 3 asks before 2 has resumed.
    callers.io.restart();
    callers.io.run_one();
    callers.call("room", 3);
    CHECK(callers.order == std::vector{1, 2});
    callers.next();
    CHECK(callers.order == std::vector{1, 2, 3});
}

TEST_CASE("keys have queues of their own") {
    Callers callers;
    callers.call("a", 1);
    callers.call("b", 2);
    CHECK(callers.holders == 2);
    CHECK(callers.linearizer.waiting() == 0);
}

TEST_CASE("a caller who is cancelled while waiting gives up its place") {
    Callers callers;
    callers.call("room", 1);
    const auto second = callers.call("room", 2);
    callers.call("room", 3);
    second->cancel();
    test::run_ready(callers.io);
    CHECK(second->was_cancelled());
    CHECK(callers.linearizer.waiting() == 1);
    callers.next();
    CHECK(callers.order == std::vector{1, 3});
}

TEST_CASE("a holder who is cancelled or fails passes the turn on") {
    Callers callers;
    const auto first = callers.call("room", 1);
    callers.call("room", 2);
    first->cancel();
    test::run_ready(callers.io);
    CHECK(first->was_cancelled());
    CHECK(callers.order == std::vector{1, 2});
}

TEST_CASE("a caller who is cancelled when it has been granted its turn does not lose it") {
    Callers callers;
    callers.call("room", 1);
    const auto second = callers.call("room", 2);
    callers.call("room", 3);
    callers.release.notify_all();
    callers.io.restart();
    callers.io.run_one();  // 1 ends: 2 has the turn and has not resumed
    second->cancel();
    test::run_ready(callers.io);
    callers.next();
    callers.next();
    CHECK(callers.order.back() == 3);
    CHECK(callers.linearizer.waiting() == 0);
    CHECK(callers.holders <= 1);
}

TEST_CASE("a caller whose cancellation came before it asked takes no place") {
    asio::io_context io;
    core::CpuPool pool{1};
    Linearizer linearizer{"late"};
    std::promise<void> release;
    auto held = std::make_unique<Linearizer::Guard>(test::run(io, linearizer.lock("room")));
    const auto late = test::spawn(io.get_executor(), [&]() -> Task<void> {
        co_await pool.run([&] { release.get_future().wait(); });  // cannot be interrupted
        const auto guard = co_await linearizer.lock("room");
    });
    test::run_ready(io);
    late->cancel();
    release.set_value();
    test::run_until(io, [&] { return late->done; });
    CHECK(late->was_cancelled());
    CHECK(linearizer.waiting() == 0);
    held.reset();
    CHECK_NOTHROW(test::run(io, linearizer.lock("room")));
}
