#include "weft/core/linearizer.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/system/system_error.hpp>

#include "weft/core/metrics.hpp"

namespace weft::core {

struct Linearizer::State {
    explicit State(const std::string& name)
        : waiting_gauge{gauge("weft_linearizer_waiting", "Callers waiting for their turn", {{"name", name}})} {}

    struct Waiter {
        asio::steady_timer timer;
        bool granted = false;
    };
    struct Queue {
        std::deque<std::shared_ptr<Waiter>> waiters;
    };

    void release(const std::string& key) {
        const auto found = queues.find(key);
        if (found == queues.end()) return;
        if (found->second.waiters.empty()) {
            queues.erase(found);
            return;
        }
        const auto next = std::move(found->second.waiters.front());
        found->second.waiters.pop_front();
        next->granted = true;
        next->timer.cancel();
    }

    Gauge waiting_gauge;
    std::size_t waiting = 0;
    std::unordered_map<std::string, Queue> queues;  // a key is here while somebody holds it
};

Linearizer::Linearizer(std::string name) : state_{std::make_shared<State>(name)} {}
Linearizer::~Linearizer() = default;

std::size_t Linearizer::waiting() const { return state_->waiting; }

Linearizer::Guard::~Guard() {
    if (state_) state_->release(key_);
}

Task<Linearizer::Guard> Linearizer::lock(std::string key) {
    const auto state = state_;
    const auto [place, free] = state->queues.try_emplace(key);
    if (free) co_return Guard{state, std::move(key)};

    auto waiter = std::make_shared<State::Waiter>(
        State::Waiter{asio::steady_timer{co_await asio::this_coro::executor, asio::steady_timer::time_point::max()}});
    place->second.waiters.push_back(waiter);
    ++state->waiting;
    state->waiting_gauge.add(1);
    boost::system::error_code error;
    co_await waiter->timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
    --state->waiting;
    state->waiting_gauge.add(-1);
    if (!waiter->granted) {
        auto& waiters = state->queues[key].waiters;
        std::erase(waiters, waiter);
        throw boost::system::system_error{asio::error::operation_aborted};
    }
    co_return Guard{state, std::move(key)};
}

}  // namespace weft::core
