#include "events_applier.hpp"

#include <algorithm>

#include "weft/core/async.hpp"
#include "weft/core/log.hpp"
#include "weft/proto/replication/rows.hpp"

namespace weft::workers {
namespace {

/// Rows loaded by one query.
constexpr std::size_t kRowsPerLoad = 500;

}  // namespace

EventsApplier::EventsApplier(asio::any_io_executor executor, PreloadFunction preload,
                             storage::StreamState& stream, std::size_t waiting_max)
    : preload_{std::move(preload)}, stream_{stream}, waiting_max_{waiting_max}, tasks_{std::move(executor)} {}

EventsApplier::EventsApplier(asio::any_io_executor executor, storage::EventsStore& events,
                             storage::StreamState& stream)
    : EventsApplier{std::move(executor),
                    [&events](storage::StreamRows rows) -> Task<void> { co_await events.preload(rows); },
                    stream} {}

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
    if (queue_.size() > waiting_max_) perform_all();
    if (running_) return;
    running_ = true;
    tasks_.spawn("apply_events", [this] { return drain(); });
}

void EventsApplier::perform(const Item& item) {
    try {
        if (item.advance_only) {
            stream_.advance(item.instance, item.token);
        } else {
            stream_.apply(item.instance, item.token, item.rows);
        }
    } catch (const std::exception& error) {
        // What somebody makes of a row must not stop those behind it.
        core::log_error("workers.events", "applying events {} of {} failed: {}", item.token, item.instance,
                        error.what());
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
        storage::StreamRows rows;
        while (!queue_.empty() && rows.size() < kRowsPerLoad) {
            for (const auto& row : queue_.front().rows) {
                if (is_wanted(row)) rows.push_back(row);
            }
            loading_.push_back(std::move(queue_.front()));
            queue_.pop_front();
        }
        if (!rows.empty()) co_await preload(std::move(rows));
        while (!loading_.empty()) perform_next(loading_);
    }
    running_ = false;
}

void EventsApplier::perform_all() {
    while (!loading_.empty()) perform_next(loading_);
    while (!queue_.empty()) perform_next(queue_);
}

/// Taken out first: whoever is told may hand in more.
void EventsApplier::perform_next(std::deque<Item>& items) {
    const auto item = std::move(items.front());
    items.pop_front();
    perform(item);
}

/// A failure here must not lose rows: they are applied all the same, and their events loaded when somebody
/// wants them.
Task<void> EventsApplier::preload(storage::StreamRows rows) {
    try {
        co_await preload_(std::move(rows));
    } catch (const std::exception& error) {
        if (core::is_cancellation(std::current_exception())) throw;
        core::log_warning("workers.events", "events could not be loaded ahead: {}", error.what());
    }
}

Task<void> EventsApplier::stop() {
    co_await tasks_.stop();
}

}  // namespace weft::workers
