#include "weft/core/async.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/system/system_error.hpp>

namespace weft::core {

Task<void> sleep_for(Milliseconds duration) {
    asio::steady_timer timer{co_await asio::this_coro::executor, duration};
    co_await timer.async_wait(asio::use_awaitable);
}

bool is_cancellation(const std::exception_ptr& failure) {
    if (!failure) return false;
    try {
        std::rethrow_exception(failure);
    } catch (const boost::system::system_error& error) {
        return error.code() == asio::error::operation_aborted;
    } catch (...) {
        return false;
    }
}

struct Signal::State {
    explicit State(asio::any_io_executor on) : executor{std::move(on)} {}
    struct Waiter {
        asio::steady_timer timer;
        bool notified = false;
    };
    asio::any_io_executor executor;
    std::list<std::shared_ptr<Waiter>> waiters;
};

Signal::Signal(asio::any_io_executor executor) : state_{std::make_shared<State>(std::move(executor))} {}

void Signal::notify_all() {
    auto waiters = std::move(state_->waiters);
    state_->waiters.clear();
    for (const auto& waiter : waiters) {
        waiter->notified = true;
        waiter->timer.cancel();
    }
}

std::size_t Signal::waiters() const { return state_->waiters.size(); }

Task<bool> Signal::wait(std::optional<Milliseconds> timeout) {
    const auto state = state_;  // the signal may be destroyed while we sleep
    const auto executor = co_await asio::this_coro::executor;
    auto waiter = std::make_shared<State::Waiter>(State::Waiter{asio::steady_timer{executor}});
    if (timeout) {
        waiter->timer.expires_after(*timeout);
    } else {
        waiter->timer.expires_at(asio::steady_timer::time_point::max());
    }
    const auto place = state->waiters.insert(state->waiters.end(), waiter);
    boost::system::error_code error;
    co_await waiter->timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
    if (waiter->notified) co_return true;
    state->waiters.erase(place);
    if (error == asio::error::operation_aborted) throw boost::system::system_error{error};
    co_return false;
}

CpuPool::CpuPool(std::size_t threads) : threads_{threads} {}

CpuPool::~CpuPool() {
    threads_.stop();
    threads_.join();
}

}  // namespace weft::core
