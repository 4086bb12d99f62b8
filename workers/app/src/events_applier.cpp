#include "events_applier.hpp"

#include "weft/core/async.hpp"
#include "weft/core/log.hpp"

namespace weft::workers {
namespace {

/// Beyond this the database cannot keep up: rows are applied without their events, which are then loaded when needed.
constexpr std::size_t kQueueMax = 10'000;
/// Rows loaded by one query.
constexpr std::size_t kRowsPerLoad = 500;

}  // namespace

EventsApplier::EventsApplier(asio::any_io_executor executor, storage::EventsStore& events, storage::StreamState& stream)
    : events_{events}, stream_{stream}, tasks_{std::move(executor)} {}

std::int64_t EventsApplier::position(const std::string& instance) const {
    const auto found = positions_.find(instance);
    return std::max(found == positions_.end() ? 0 : found->second, stream_.position(instance));
}

void EventsApplier::apply(const std::string& instance, std::int64_t token, storage::StreamRows rows) {
    enqueue({instance, token, std::move(rows), false});
}

void EventsApplier::advance(const std::string& instance, std::int64_t token) { enqueue({instance, token, {}, true}); }

void EventsApplier::enqueue(Item item) {
    auto& position = positions_[item.instance];
    position = std::max(position, item.token);
    queue_.push_back(std::move(item));
    if (running_) return;
    running_ = true;
    tasks_.spawn("apply_events", [this] { return drain(); });
}

Task<void> EventsApplier::drain() {
    while (!queue_.empty()) {
        std::deque<Item> batch;
        storage::StreamRows rows;
        const bool overloaded = queue_.size() > kQueueMax;
        while (!queue_.empty() && rows.size() < kRowsPerLoad) {
            for (const auto& row : queue_.front().rows) rows.push_back(row);
            batch.push_back(std::move(queue_.front()));
            queue_.pop_front();
        }
        if (!rows.empty() && !overloaded) co_await preload(std::move(rows));
        for (auto& item : batch) {
            if (item.advance_only) {
                stream_.advance(item.instance, item.token);
            } else {
                stream_.apply(item.instance, item.token, item.rows);
            }
        }
    }
    running_ = false;
}

/// A failure here must not lose rows: they are applied all the same, and their events loaded when somebody wants them.
Task<void> EventsApplier::preload(storage::StreamRows rows) {
    try {
        co_await events_.preload(rows);
    } catch (const std::exception& error) {
        if (core::is_cancellation(std::current_exception())) throw;
        core::log_warning("workers.events", "events could not be loaded ahead: {}", error.what());
    }
}

Task<void> EventsApplier::stop() { co_await tasks_.stop(); }

}  // namespace weft::workers
