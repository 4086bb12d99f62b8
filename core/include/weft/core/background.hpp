#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>

#include "weft/core/log_context.hpp"
#include "weft/core/task.hpp"

namespace weft::core {

/// The only place that detaches coroutines. Each task has a name, a log context and metrics (started, in flight, CPU,
/// database time); an exception is logged. stop() cancels and awaits them all. Lives on the logic thread; a class that
/// owns one keeps it as its last member.
class BackgroundTasks {
public:
    explicit BackgroundTasks(asio::any_io_executor executor);
    ~BackgroundTasks();
    BackgroundTasks(const BackgroundTasks&) = delete;
    BackgroundTasks& operator=(const BackgroundTasks&) = delete;

    /// Starts `body` as the background process `name` (a fixed set of names: it is a metric label).
    /// The closure lives as long as its coroutine. After stop() nothing is started any more.
    void spawn(std::string name, std::function<Task<void>()> body);
    /// As spawn, but the log context is a child of the caller's, so usage is counted for both.
    void spawn_child(std::string name, std::function<Task<void>()> body);

    std::size_t running() const;
    /// Cancels what runs and waits until all of it has ended.
    Task<void> stop();
    /// Waits until everything has ended by itself, at most `deadline_ms`; then cancels the rest and awaits it.
    Task<void> drain(std::int64_t deadline_ms);

    const asio::any_io_executor& executor() const;

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace weft::core
