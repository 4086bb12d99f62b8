#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "weft/core/clock.hpp"
#include "weft/core/log_context.hpp"
#include "weft/core/task.hpp"

namespace weft::core {

/// Suspends the caller for `duration`. Throws operation_aborted when cancelled.
Task<void> sleep_for(Milliseconds duration);

/// Something that happens once or again and again: waiters sleep until notify_all(). Logic thread only.
class Signal {
public:
    explicit Signal(asio::any_io_executor executor);
    /// Wakes everybody who waits now.
    void notify_all();
    /// Sleeps until the next notify_all(); true if notified, false if `timeout` passed first. Without a timeout waits
    /// for ever. Throws operation_aborted when the waiting coroutine is cancelled.
    Task<bool> wait(std::optional<Milliseconds> timeout = std::nullopt);
    std::size_t waiters() const;

private:
    struct State;
    std::shared_ptr<State> state_;
};

/// True if the exception means "this was cancelled", which is neither logged nor counted nor wrapped.
bool is_cancellation(const std::exception_ptr& failure);

/// Threads for CPU-heavy work (password hashing, big state resolutions).
class CpuPool {
public:
    explicit CpuPool(std::size_t threads);
    ~CpuPool();

    /// Runs `function` on a pool thread and resumes the caller on its own executor with the result or exception.
    template <class Function>
    Task<std::invoke_result_t<Function&>> run(Function function);

    asio::thread_pool& threads() { return threads_; }

private:
    asio::thread_pool threads_;
};

/// Runs a blocking `function` on `pool`, resuming the awaiting coroutine on its own executor.
template <class Pool, class Function>
Task<std::invoke_result_t<Function&>> run_on(Pool& pool, Function function) {
    using Value = std::invoke_result_t<Function&>;
    using Slot = std::conditional_t<std::is_void_v<Value>, bool, std::optional<Value>>;
    struct Outcome {
        Slot value{};
        std::exception_ptr failure;
    };
    auto executor = co_await asio::this_coro::executor;
    auto outcome = std::make_shared<Outcome>();
    auto initiate = [&pool, executor, outcome, function = std::move(function)](auto handler) mutable {
        auto work = asio::make_work_guard(executor);
        asio::post(pool, [executor, outcome, function = std::move(function), handler = std::move(handler),
                          work = std::move(work)]() mutable {
            try {
                if constexpr (std::is_void_v<Value>) {
                    function();
                    outcome->value = true;
                } else {
                    outcome->value.emplace(function());
                }
            } catch (...) {
                outcome->failure = std::current_exception();
            }
            asio::post(executor, std::move(handler));
        });
    };
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(std::move(initiate), asio::use_awaitable);
    // Taken out: the exception ends with its handler here, not with what the pool's thread still holds.
    if (const auto failure = std::exchange(outcome->failure, nullptr)) std::rethrow_exception(failure);
    if constexpr (!std::is_void_v<Value>) co_return std::move(*outcome->value);
}

template <class Function>
Task<std::invoke_result_t<Function&>> CpuPool::run(Function function) {
    return run_on(threads_, std::move(function));
}

}  // namespace weft::core
