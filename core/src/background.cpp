#include "weft/core/background.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "weft/core/async.hpp"
#include "weft/core/log.hpp"
#include "weft/core/metrics.hpp"

namespace weft::core {
namespace {

/// The series of one process name.
struct ProcessMetrics {
    explicit ProcessMetrics(const std::string& name)
        : started{counter("weft_background_process_start_total", "Background processes started", {{"name", name}})},
          in_flight{gauge("weft_background_process_in_flight", "Background processes running now", {{"name", name}})},
          failed{counter("weft_background_process_failed_total", "Background processes that ended with an error", {{"name", name}})},
          cpu{counter("weft_background_process_cpu_seconds_total", "CPU time of background processes", {{"name", name}})},
          db_transactions{counter("weft_background_process_db_transactions_total", "Database transactions", {{"name", name}})},
          db_time{counter("weft_background_process_db_seconds_total", "Time in database transactions", {{"name", name}})} {}

    Counter started;
    Gauge in_flight;
    Counter failed;
    Counter cpu;
    Counter db_transactions;
    Counter db_time;
};

ProcessMetrics& metrics_of(const std::string& name) {
    static std::unordered_map<std::string, ProcessMetrics> all;
    const auto found = all.find(name);
    if (found != all.end()) return found->second;
    return all.emplace(name, ProcessMetrics{name}).first->second;
}

struct RunningTask {
    std::string name;
    std::function<Task<void>()> body;
    LogContextPtr context;
    asio::cancellation_signal cancel;
};

}  // namespace

struct BackgroundTasks::State : std::enable_shared_from_this<State> {
    explicit State(asio::any_io_executor on) : executor{std::move(on)}, drained{executor} {}

    void spawn(std::string name, LogContextPtr context, std::function<Task<void>()> body) {
        if (stopping) return;
        // The list node owns the closure, so its captures outlive the coroutine frame.
        const auto task = running.emplace(running.end());
        task->name = std::move(name);
        task->body = std::move(body);
        task->context = std::move(context);
        auto& metrics = metrics_of(task->name);
        metrics.started.increment();
        metrics.in_flight.add(1);
        // The body is called inside the coroutine: one that throws before its first await fails like any other.
        asio::co_spawn(with_context(executor, task->context), [task] { return task->body(); },
                       asio::bind_cancellation_slot(task->cancel.slot(), [self = shared_from_this(), task](std::exception_ptr failure) {
                           self->finished(task, failure);
                       }));
    }

    void finished(std::list<RunningTask>::iterator task, const std::exception_ptr& failure) {
        auto& metrics = metrics_of(task->name);
        metrics.in_flight.add(-1);
        if (failure && !is_cancellation(failure)) {
            metrics.failed.increment();
            try {
                std::rethrow_exception(failure);
            } catch (const std::exception& error) {
                log_error("core.background", "background process {} failed: {}", task->name, error.what());
            } catch (...) {
                log_error("core.background", "background process {} failed", task->name);
            }
        }
        // We may be called from inside the coroutine's own completion: its closure must survive until that returns, and
        // what it has used is known only then.
        asio::post(executor, [self = shared_from_this(), task] { self->remove(task); });
    }

    void remove(std::list<RunningTask>::iterator task) {
        auto& metrics = metrics_of(task->name);
        const auto& usage = task->context->usage();
        metrics.cpu.increment(static_cast<double>(usage.cpu_ns) / 1e9);
        metrics.db_transactions.increment(static_cast<double>(usage.db_transactions));
        metrics.db_time.increment(static_cast<double>(usage.db_ns) / 1e9);
        task->context->finish();
        running.erase(task);
        if (running.empty()) drained.notify_all();
    }

    asio::any_io_executor executor;
    Signal drained;
    std::list<RunningTask> running;
    bool stopping = false;
};

BackgroundTasks::BackgroundTasks(asio::any_io_executor executor) : state_{std::make_shared<State>(std::move(executor))} {}

BackgroundTasks::~BackgroundTasks() {
    state_->stopping = true;
    if (state_->running.empty()) return;
    // Outside the event loop Asio carries a cancellation out later, by a pointer into the task, which may have ended and be
    // gone by then. Inside, it is carried out at once.
    asio::post(state_->executor, [state = state_] {
        for (auto& task : state->running) task.cancel.emit(asio::cancellation_type::terminal);
    });
}

void BackgroundTasks::spawn(std::string name, std::function<Task<void>()> body) {
    auto context = std::make_shared<LogContext>(name);
    state_->spawn(std::move(name), std::move(context), std::move(body));
}

void BackgroundTasks::spawn_child(std::string name, std::function<Task<void>()> body) {
    auto context = std::make_shared<LogContext>(name, current_context());
    state_->spawn(std::move(name), std::move(context), std::move(body));
}

std::size_t BackgroundTasks::running() const { return state_->running.size(); }

const asio::any_io_executor& BackgroundTasks::executor() const { return state_->executor; }

Task<void> BackgroundTasks::stop() {
    const auto state = state_;
    state->stopping = true;
    while (!state->running.empty()) {
        for (auto& task : state->running) task.cancel.emit(asio::cancellation_type::terminal);
        // A task may have been between two awaits when the signal came, where it is lost: ask again.
        co_await state->drained.wait(Milliseconds{200});
    }
}

Task<void> BackgroundTasks::drain(std::int64_t deadline_ms) {
    const auto state = state_;
    const auto until = SystemClock{}.monotonic_ms() + deadline_ms;
    while (!state->running.empty()) {
        const auto left = until - SystemClock{}.monotonic_ms();
        if (left <= 0) break;
        co_await state->drained.wait(Milliseconds{left});
    }
    co_await stop();
}

}  // namespace weft::core
