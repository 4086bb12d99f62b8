#include "parallel.hpp"

#include <algorithm>
#include <exception>
#include <memory>

namespace weft::loadgen {

namespace {

struct Shared {
    Shared(asio::any_io_executor executor, std::vector<Job> all)
        : jobs{std::move(all)}, ended{std::move(executor)} {
        ended.expires_at(asio::steady_timer::time_point::max());
    }

    std::vector<Job> jobs;
    std::size_t next = 0;
    std::size_t running = 0;
    std::exception_ptr failure;
    asio::steady_timer ended;  // cancelled when the last runner has ended
};

Task<void> run_jobs(std::shared_ptr<Shared> shared) {
    while (!shared->failure && shared->next < shared->jobs.size()) {
        const auto& job = shared->jobs[shared->next++];
        co_await job();
    }
}

}  // namespace

Task<void> run_parallel(std::vector<Job> jobs, std::size_t at_once) {
    const auto executor = co_await asio::this_coro::executor;
    const auto shared = std::make_shared<Shared>(executor, std::move(jobs));
    const auto runners = std::min(at_once, shared->jobs.size());
    for (std::size_t i = 0; i < runners; ++i) {
        ++shared->running;
        asio::co_spawn(executor, run_jobs(shared), [shared](std::exception_ptr failure) {
            if (failure && !shared->failure) shared->failure = failure;
            if (--shared->running == 0) shared->ended.cancel();
        });
    }
    while (shared->running > 0) {
        boost::system::error_code cancelled;
        co_await shared->ended.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    }
    if (shared->failure) std::rethrow_exception(shared->failure);
}

}  // namespace weft::loadgen
