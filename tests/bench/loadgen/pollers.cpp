#include "pollers.hpp"

#include <fmt/format.h>

namespace weft::loadgen {

namespace {

constexpr int kPollMs = 30'000;
constexpr std::chrono::seconds kDeadline{60};

}  // namespace

Pollers::Pollers(asio::any_io_executor executor, std::vector<MatrixUser*> users)
    : executor_{executor}, users_{std::move(users)}, changed_{executor} {}

void Pollers::start() {
    for (auto* user : users_) {
        ++running_;
        asio::co_spawn(executor_, poll(*user), [this](std::exception_ptr failure) {
            --running_;
            if (failure && !stopping_ && !failure_) failure_ = failure;
            changed();
        });
    }
}

Task<void> Pollers::stop() {
    stopping_ = true;
    for (auto* user : users_) user->close();
    failure_ = nullptr;
    co_await wait_until("the pollers have ended", [this] { return running_ == 0; });
}

Task<void> Pollers::wait_armed() {
    co_await wait_until("every client polls", [this] { return armed(); });
}

void Pollers::watch(std::string marker) {
    marker_ = std::move(marker);
    arrivals_.clear();
}

Task<std::vector<SteadyClock::time_point>> Pollers::arrivals() {
    co_await wait_until("every client has the event", [this] { return arrivals_.size() >= users_.size(); });
    co_return arrivals_;
}

Task<void> Pollers::poll(MatrixUser& user) {
    if (user.since().empty()) co_await user.sync(0);
    while (!stopping_) {
        bool counted = false;
        const auto body = co_await user.sync(kPollMs, [this, &counted] {
            // A request that was repeated on a new connection is still one poll.
            if (!std::exchange(counted, true)) ++armed_;
            changed();
        });
        const auto now = SteadyClock::now();
        --armed_;
        if (!marker_.empty() && body.find(marker_) != std::string::npos) {
            arrivals_.push_back(now);
        } else {
            ++other_responses_;
        }
        changed();
    }
}

/// Whoever waits is resumed when there is something to see, not with each of a thousand responses: this process shares the
/// processor with what it measures.
void Pollers::changed() {
    if (failure_ || (awaited_ && awaited_())) changed_.cancel();
}

Task<void> Pollers::wait_until(std::string what, std::function<bool()> condition) {
    const auto deadline = SteadyClock::now() + kDeadline;
    awaited_ = condition;
    while (!condition()) {
        if (failure_) std::rethrow_exception(failure_);
        if (SteadyClock::now() >= deadline)
            throw BenchError{fmt::format("not within {} s: {}", kDeadline.count(), what)};
        changed_.expires_at(deadline);
        boost::system::error_code cancelled;
        co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    }
    awaited_ = nullptr;
}

}  // namespace weft::loadgen
