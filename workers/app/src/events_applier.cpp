#include "events_applier.hpp"

#include <algorithm>

#include "weft/core/async.hpp"
#include "weft/core/log.hpp"
#include "weft/proto/replication/rows.hpp"

namespace weft::workers {
namespace {

/// Beyond this the database cannot keep up: rows are applied without their events, which are then loaded when
/// needed.
constexpr std::size_t kQueueMax = 10'000;
/// Rows loaded by one query.
constexpr std::size_t kRowsPerLoad = 500;

}  // namespace

EventsApplier::EventsApplier(asio::any_io_executor executor, storage::EventsStore& events,
                             storage::StreamState& stream)
    : events_{events}, stream_{stream}, tasks_{std::move(executor)} {}

std::int64_t EventsApplier::position(const std::string& instance) const {
    const auto found = positions_.find(instance);
    return std::max(found == positions_.end() ? 0 : found->second, stream_.position(instance));
}

void EventsApplier::apply(const std::string& instance, std::int64_t token, storage::StreamRows rows) {
    enqueue({instance, token, std::move(rows), false});
}

void EventsApplier::advance(const std::string& instance, std::int64_t token) {
    enqueue({instance, token, {}, true});
}

void EventsApplier::enqueue(Item item) {
    auto& position = positions_[item.instance];
    position = std::max(position, item.token);
    if (!running_ && (item.advance_only || !is_wanted(item.rows))) {
        perform(item);
        return;
    }
    queue_.push_back(std::move(item));
    if (running_) return;
    running_ = true;
    tasks_.spawn("apply_events", [this] { return drain(); });
}

void EventsApplier::perform(const Item& item) {
    if (item.advance_only) {
        stream_.advance(item.instance, item.token);
    } else {
        stream_.apply(item.instance, item.token, item.rows);
    }
}

bool EventsApplier::is_wanted(const boost::json::value& json) const {
    if (!wanted_) return true;
    const auto row = proto::replication::parse_events_row(json);
    if (!row) return false;
    if (const auto* event = std::get_if<proto::replication::EventsEventRow>(&*row)) {
        return wanted_(event->room_id, event->state_key.value_or(""));
    }
    const auto& state = std::get<proto::replication::EventsStateRow>(*row);
    return wanted_(state.room_id, state.state_key);
}

bool EventsApplier::is_wanted(const storage::StreamRows& rows) const {
    return std::any_of(rows.begin(), rows.end(), [this](const auto& row) { return is_wanted(row); });
}

Task<void> EventsApplier::drain() {
    while (!queue_.empty()) {
        std::deque<Item> batch;
        storage::StreamRows rows;
        const bool overloaded = queue_.size() > kQueueMax;
        while (!queue_.empty() && rows.size() < kRowsPerLoad) {
            for (const auto& row : queue_.front().rows) {
                if (is_wanted(row)) rows.push_back(row);
            }
            batch.push_back(std::move(queue_.front()));
            queue_.pop_front();
        }
        if (!rows.empty() && !overloaded) co_await preload(std::move(rows));
        for (const auto& item : batch) perform(item);
    }
    running_ = false;
}

/// A failure here must not lose rows: they are applied all the same, and their events loaded when somebody
/// wants them.
Task<void> EventsApplier::preload(storage::StreamRows rows) {
    try {
        co_await events_.preload(rows);
    } catch (const std::exception& error) {
        if (core::is_cancellation(std::current_exception())) throw;
        core::log_warning("workers.events", "events could not be loaded ahead: {}", error.what());
    }
}

Task<void> EventsApplier::stop() {
    co_await tasks_.stop();
}

}  // namespace weft::workers
