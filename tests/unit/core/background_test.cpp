#include <catch2/catch.hpp>

#include "run_task.hpp"
#include "spawned.hpp"
#include "weft/core/background.hpp"
#include "weft/core/metrics.hpp"

using namespace weft;
using core::BackgroundTasks;

namespace {

double metric(const std::string& name, const std::string& process) {
    return core::counter("weft_background_process_" + name, "", {{"name", process}}).value();
}
double in_flight(const std::string& process) {
    return core::gauge("weft_background_process_in_flight", "", {{"name", process}}).value();
}

}  // namespace

TEST_CASE("a background process is counted while it runs and when it has started") {
    asio::io_context io;
    BackgroundTasks tasks{io.get_executor()};
    core::Signal signal{io.get_executor()};
    for (int i = 0; i < 2; ++i) {
        tasks.spawn("counted", [&]() -> Task<void> { co_await signal.wait(); });
    }
    test::run_ready(io);
    CHECK(tasks.running() == 2);
    CHECK(metric("start_total", "counted") == 2);
    CHECK(in_flight("counted") == 2);

    signal.notify_all();
    test::run_ready(io);
    CHECK(tasks.running() == 0);
    CHECK(in_flight("counted") == 0);
    CHECK(metric("start_total", "counted") == 2);
    CHECK(metric("failed_total", "counted") == 0);
}

TEST_CASE("all that a background process uses is in its metrics, up to its end") {
    asio::io_context io;
    BackgroundTasks tasks{io.get_executor()};
    tasks.spawn("busy", []() -> Task<void> {
        core::current_context()->add_usage({.db_transactions = 3, .db_ns = 2'000'000'000});
        const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds{5};
        while (std::chrono::steady_clock::now() < until) {
        }
        co_return;  // never suspended: all it did lies in its last step
    });
    test::run_ready(io);
    CHECK(metric("cpu_seconds_total", "busy") >= 0.005);
    CHECK(metric("db_transactions_total", "busy") == 3);
    CHECK(metric("db_seconds_total", "busy") == Approx(2.0));
}

TEST_CASE("an exception in a background process is counted and goes no further") {
    asio::io_context io;
    BackgroundTasks tasks{io.get_executor()};
    tasks.spawn("failing", []() -> Task<void> {
        co_await core::sleep_for(core::Milliseconds{0});
        throw std::runtime_error{"expected by the test"};
    });
    tasks.spawn("failing", []() -> Task<void> { throw std::runtime_error{"at once, expected by the test"}; });
    bool other_ran = false;
    tasks.spawn("not_failing", [&]() -> Task<void> {
        other_ran = true;
        co_return;
    });
    CHECK_NOTHROW(test::run_until(io, [&] { return tasks.running() == 0; }));
    CHECK(metric("failed_total", "failing") == 2);
    CHECK(in_flight("failing") == 0);
    CHECK(other_ran);
}

TEST_CASE("a background process runs in a context of its name, finished at its end") {
    asio::io_context io;
    BackgroundTasks tasks{io.get_executor()};
    const auto misuses = core::log_context_misuse_count();
    core::LogContextPtr before;
    core::LogContextPtr after;
    tasks.spawn("named", [&]() -> Task<void> {
        before = core::current_context();
        co_await core::sleep_for(core::Milliseconds{1});
        after = core::current_context();
    });
    CHECK(core::current_context() == core::sentinel_context());
    test::run_until(io, [&] { return tasks.running() == 0; });
    REQUIRE(before);
    CHECK(before->name() == "named");
    CHECK(before->parent() == nullptr);
    CHECK(after == before);
    CHECK(before->finished());
    CHECK(core::log_context_misuse_count() == misuses);
}

TEST_CASE("a child process counts its usage for its parent as well") {
    asio::io_context io;
    BackgroundTasks tasks{io.get_executor()};
    const auto parent = std::make_shared<core::LogContext>("request");
    {
        const core::ContextScope scope{parent};
        tasks.spawn_child("child", []() -> Task<void> {
            core::current_context()->add_usage({.db_transactions = 1});
            co_return;
        });
        CHECK(core::current_context() == parent);
    }
    test::run_ready(io);
    CHECK(parent->usage().db_transactions == 1);
}

TEST_CASE("stop cancels what runs, waits for its end and starts nothing more") {
    asio::io_context io;
    BackgroundTasks tasks{io.get_executor()};
    core::Signal signal{io.get_executor()};
    bool cleaned_up = false;
    tasks.spawn("stopped", [&]() -> Task<void> {
        std::exception_ptr failure;
        try {
            co_await signal.wait();
        } catch (...) {
            failure = std::current_exception();
        }
        cleaned_up = core::is_cancellation(failure);
        if (failure) std::rethrow_exception(failure);
    });
    test::run_ready(io);
    test::run(io, tasks.stop());
    CHECK(cleaned_up);
    CHECK(tasks.running() == 0);
    CHECK(metric("failed_total", "stopped") == 0);  // to be cancelled is no failure

    bool ran = false;
    tasks.spawn("stopped", [&]() -> Task<void> {
        ran = true;
        co_return;
    });
    test::run_ready(io);
    CHECK_FALSE(ran);
    CHECK(tasks.running() == 0);
}

TEST_CASE("stop also ends a process that is busy on another thread when it comes") {
    asio::io_context io;
    core::CpuPool pool{1};
    BackgroundTasks tasks{io.get_executor()};
    std::promise<void> release;
    bool went_on = false;
    tasks.spawn("on_a_thread", [&]() -> Task<void> {
        co_await pool.run([&] { release.get_future().wait(); });
        co_await core::sleep_for(core::Milliseconds{3'600'000});
        went_on = true;
    });
    test::run_ready(io);
    const auto stopped = test::spawn(io.get_executor(), [&] { return tasks.stop(); });
    test::run_ready(io);
    CHECK_FALSE(stopped->done);
    release.set_value();
    test::run_until(io, [&] { return stopped->done; });
    CHECK(tasks.running() == 0);
    CHECK_FALSE(went_on);
}

TEST_CASE("drain lets processes end by themselves") {
    asio::io_context io;
    BackgroundTasks tasks{io.get_executor()};
    bool ended = false;
    tasks.spawn("drained", [&]() -> Task<void> {
        co_await core::sleep_for(core::Milliseconds{5});
        ended = true;
    });
    test::run(io, tasks.drain(30'000));
    CHECK(ended);
    CHECK(tasks.running() == 0);
}

TEST_CASE("drain cancels what has not ended by its deadline") {
    asio::io_context io;
    BackgroundTasks tasks{io.get_executor()};
    bool ended = false;
    tasks.spawn("not_drained", [&]() -> Task<void> {
        co_await core::sleep_for(core::Milliseconds{3'600'000});
        ended = true;
    });
    test::run(io, tasks.drain(10));
    CHECK_FALSE(ended);
    CHECK(tasks.running() == 0);
}

TEST_CASE("a process outlives its owner only until its cancellation is delivered") {
    asio::io_context io;
    const auto witness = std::make_shared<int>(0);
    {
        BackgroundTasks tasks{io.get_executor()};
        tasks.spawn("orphaned",
                    [witness]() -> Task<void> { co_await core::sleep_for(core::Milliseconds{3'600'000}); });
        test::run_ready(io);
        CHECK(witness.use_count() == 2);
    }
    test::run_ready(io);
    CHECK(witness.use_count() == 1);
    CHECK(in_flight("orphaned") == 0);
}
