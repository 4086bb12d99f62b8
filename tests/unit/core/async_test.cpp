#include <catch2/catch.hpp>

#include <thread>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include "run_task.hpp"
#include "spawned.hpp"

using namespace weft;
using core::Signal;

namespace {

/// A wait() that runs beside the test.
struct Wait {
    Wait(asio::io_context& io, Signal& signal, std::optional<core::Milliseconds> timeout = std::nullopt)
        : notified{std::make_shared<std::optional<bool>>()},
          task{test::spawn(io.get_executor(), [out = notified, &signal, timeout]() -> Task<void> {
              *out = co_await signal.wait(timeout);
          })} {
        test::run_ready(io);
    }
    std::shared_ptr<std::optional<bool>> notified;
    std::shared_ptr<test::Spawned> task;
};

}  // namespace

TEST_CASE("a signal wakes all who wait, and nobody who comes later") {
    asio::io_context io;
    Signal signal{io.get_executor()};
    Wait first{io, signal};
    Wait second{io, signal, core::Milliseconds{3'600'000}};
    CHECK(signal.waiters() == 2);
    signal.notify_all();
    Wait late{io, signal};
    CHECK(*first.notified == true);
    CHECK(*second.notified == true);
    CHECK_FALSE(late.task->done);
    CHECK(signal.waiters() == 1);
    signal.notify_all();
    test::run_ready(io);
    CHECK(late.task->succeeded());
}

TEST_CASE("a wait for a signal ends without it after its timeout") {
    asio::io_context io;
    Signal signal{io.get_executor()};
    CHECK_FALSE(test::run(io, signal.wait(core::Milliseconds{1})));
    CHECK(signal.waiters() == 0);
}

TEST_CASE("a wait for a signal can be cancelled") {
    asio::io_context io;
    Signal signal{io.get_executor()};
    Wait cancelled{io, signal};
    Wait other{io, signal};
    cancelled.task->cancel();
    test::run_ready(io);
    CHECK(cancelled.task->was_cancelled());
    CHECK(signal.waiters() == 1);
    signal.notify_all();
    test::run_ready(io);
    CHECK(other.task->succeeded());
}

TEST_CASE("a signal may be destroyed while somebody waits for it") {
    asio::io_context io;
    auto signal = std::make_unique<Signal>(io.get_executor());
    Wait waiting{io, *signal};
    signal->notify_all();
    signal.reset();
    test::run_ready(io);
    CHECK(*waiting.notified == true);
}

TEST_CASE("only an aborted operation counts as a cancellation") {
    const auto aborted = std::make_exception_ptr(boost::system::system_error{asio::error::operation_aborted});
    CHECK(core::is_cancellation(aborted));
    CHECK_FALSE(
        core::is_cancellation(std::make_exception_ptr(boost::system::system_error{asio::error::eof})));
    CHECK_FALSE(core::is_cancellation(std::make_exception_ptr(std::runtime_error{"x"})));
    CHECK_FALSE(core::is_cancellation(std::make_exception_ptr(5)));
    CHECK_FALSE(core::is_cancellation(nullptr));
}

TEST_CASE("a sleeper wakes after its time, or at once when cancelled") {
    asio::io_context io;
    const auto started = std::chrono::steady_clock::now();
    test::run(io, core::sleep_for(core::Milliseconds{5}));
    CHECK(std::chrono::steady_clock::now() - started >= core::Milliseconds{5});

    const auto sleeper =
        test::spawn(io.get_executor(), [] { return core::sleep_for(core::Milliseconds{3'600'000}); });
    test::run_ready(io);
    sleeper->cancel();
    test::run_ready(io);
    CHECK(sleeper->was_cancelled());
}

TEST_CASE("a pool gives back results, exceptions and things that can only be moved") {
    asio::io_context io;
    core::CpuPool pool{2};
    CHECK(test::run(io, pool.run([] { return 42; })) == 42);
    CHECK(*test::run(io, pool.run([] { return std::make_unique<int>(7); })) == 7);
    bool ran = false;
    test::run(io, pool.run([&ran] { ran = true; }));
    CHECK(ran);
    auto failing = pool.run([]() -> int { throw std::runtime_error{"on the pool"}; });
    CHECK_THROWS_WITH(test::run(io, std::move(failing)), "on the pool");
}

TEST_CASE("who waits for a pool goes on in its own thread") {
    asio::io_context io;
    core::CpuPool pool{1};
    std::thread::id resumed;
    const auto task = test::spawn(io.get_executor(), [&]() -> Task<void> {
        co_await pool.run([] {});
        resumed = std::this_thread::get_id();
    });
    test::run_until(io, [&] { return task->done; });
    CHECK(resumed == std::this_thread::get_id());
}
