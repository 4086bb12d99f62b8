#pragma once

#include <map>
#include <memory>

#include "weft/core/async.hpp"
#include "weft/replication/stream.hpp"

namespace weft::replication {

/// Who waits for a position of which feed. Waking looks only at waiters whose position was reached. Logic
/// thread only.
class PositionWaiters {
public:
    explicit PositionWaiters(asio::any_io_executor executor) : executor_{std::move(executor)} {}

    /// Sleeps until `reached()`, looked at whenever the feed moved, or until the timeout.
    Task<bool> wait(StreamKey key, std::int64_t token, core::Milliseconds timeout,
                    std::function<bool()> reached) {
        if (reached()) co_return true;
        const auto signal = std::make_shared<core::Signal>(executor_);
        const auto state = state_;
        // Leaves the list however the wait ends, cancellation included.
        struct Place {
            std::shared_ptr<State> state;
            StreamKey key;
            std::multimap<std::int64_t, std::shared_ptr<core::Signal>>::iterator at;
            ~Place() {
                auto& waiters = state->waiters[key];
                waiters.erase(at);
                if (waiters.empty()) state->waiters.erase(key);
            }
        };
        const Place place{state, key, state->waiters[key].emplace(token, signal)};
        const auto until = std::chrono::steady_clock::now() + timeout;
        while (!reached()) {
            const auto left =
                std::chrono::duration_cast<core::Milliseconds>(until - std::chrono::steady_clock::now());
            if (left.count() <= 0 || !co_await signal->wait(left)) co_return reached();
        }
        co_return true;
    }

    void moved(const StreamKey& key, std::int64_t token) {
        const auto found = state_->waiters.find(key);
        if (found == state_->waiters.end()) return;
        for (auto at = found->second.begin(); at != found->second.end() && at->first <= token; ++at) {
            at->second->notify_all();
        }
    }
    bool anybody(const StreamKey& key) const { return state_->waiters.contains(key); }

private:
    struct State {
        std::map<StreamKey, std::multimap<std::int64_t, std::shared_ptr<core::Signal>>> waiters;
    };
    asio::any_io_executor executor_;
    std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace weft::replication
