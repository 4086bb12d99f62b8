#pragma once

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "weft/core/log_context.hpp"
#include "weft/core/task.hpp"

namespace weft::test {

/// Runs `task` on `io`, in a log context of its own, until it has ended; its result or exception. Throws when
/// that takes longer than `deadline`.
template <class T>
T run(asio::io_context& io, Task<T> task, std::chrono::seconds deadline = std::chrono::seconds{30}) {
    using Value = std::conditional_t<std::is_void_v<T>, bool, std::optional<T>>;
    struct Result {
        Value value{};
        std::exception_ptr failure;
        bool done = false;
    };
    // Shared: a task that missed its deadline may still run later.
    auto result = std::make_shared<Result>();
    auto body = [](Task<T> inner, std::shared_ptr<Result> out) -> Task<void> {
        if constexpr (std::is_void_v<T>) {
            co_await std::move(inner);
        } else {
            out->value.emplace(co_await std::move(inner));
        }
    };
    const auto executor = core::with_context(io.get_executor(), std::make_shared<core::LogContext>("test"));
    asio::co_spawn(executor, body(std::move(task), result), [result](std::exception_ptr failure) {
        result->failure = failure;
        result->done = true;
    });
    io.restart();
    const auto until = std::chrono::steady_clock::now() + deadline;
    while (!result->done && std::chrono::steady_clock::now() < until) {
        if (io.run_one_until(until) == 0 && io.stopped()) break;
    }
    if (!result->done) throw std::runtime_error{"the task has not ended in time"};
    if (result->failure) std::rethrow_exception(result->failure);
    if constexpr (!std::is_void_v<T>) return std::move(*result->value);
}

}  // namespace weft::test
