#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "weft/core/async.hpp"
#include "weft/core/task.hpp"

namespace weft::test {

/// A coroutine that runs beside the test: it can be cancelled and asked how it ended.
struct Spawned {
    std::function<Task<void>()> body;
    asio::cancellation_signal signal;
    bool done = false;
    std::exception_ptr failure;

    void cancel() { signal.emit(asio::cancellation_type::terminal); }
    bool was_cancelled() const { return done && core::is_cancellation(failure); }
    bool succeeded() const { return done && !failure; }
};

inline std::shared_ptr<Spawned> spawn(asio::any_io_executor executor, std::function<Task<void>()> body) {
    auto spawned = std::make_shared<Spawned>();
    spawned->body = std::move(body);
    asio::co_spawn(
        executor, [spawned] { return spawned->body(); },
        asio::bind_cancellation_slot(spawned->signal.slot(), [spawned](std::exception_ptr failure) {
            spawned->failure = failure;
            spawned->done = true;
        }));
    return spawned;
}

/// Runs whatever is ready now.
inline void run_ready(asio::io_context& io) {
    io.restart();
    io.poll();
}

/// Runs until the condition holds; throws if that takes too long.
inline void run_until(asio::io_context& io, const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    io.restart();
    while (!condition()) {
        if (io.stopped()) io.restart();
        io.run_one_until(
            std::min(deadline, std::chrono::steady_clock::now() + std::chrono::milliseconds{100}));
        if (std::chrono::steady_clock::now() >= deadline)
            throw std::runtime_error{"it has not happened in time"};
    }
}

}  // namespace weft::test
