#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>

#include "weft/core/background.hpp"
#include "weft/core/log.hpp"
#include "weft/core/metrics.hpp"

namespace weft::replication {

/// Runs what commands mean outside replication: one queue a name, its work in order, as a background process
/// of that name that ends when the queue is empty. A queue is bounded; beyond it work is dropped, counted and
/// logged.
class HookQueues {
public:
    explicit HookQueues(core::BackgroundTasks& tasks) : tasks_{tasks} {}

    void add(const std::string& name, std::function<Task<void>()> work) {
        auto& queue = queues_[name];
        if (queue.work.size() >= kQueuedMax) {
            core::counter("weft_replication_commands_dropped_total",
                          "Commands dropped because their queue was full", {{"process", name}})
                .increment();
            if (!queue.overflowing)
                core::log_warning("replication", "{} does not keep up: commands are dropped", name);
            queue.overflowing = true;
            return;
        }
        queue.work.push_back(std::move(work));
        if (queue.running) return;
        queue.running = true;
        tasks_.spawn(name, [this, name] { return drain(name); });
    }

private:
    static constexpr std::size_t kQueuedMax = 10'000;
    struct Queue {
        std::deque<std::function<Task<void>()>> work;
        bool running = false;
        bool overflowing = false;
    };

    Task<void> drain(std::string name) {
        auto& queue = queues_[name];  // nodes of a map stay where they are
        while (!queue.work.empty()) {
            const auto work = std::move(queue.work.front());
            queue.work.pop_front();
            std::string failure;
            try {
                co_await work();
            } catch (const std::exception& error) {
                if (core::is_cancellation(std::current_exception())) throw;
                failure = error.what();
            }
            if (!failure.empty()) core::log_error("replication", "{} failed: {}", name, failure);
        }
        queue.running = queue.overflowing = false;
    }

    core::BackgroundTasks& tasks_;
    std::map<std::string, Queue> queues_;
};

}  // namespace weft::replication
