#include "weft/replication/redis_client.hpp"

#include "weft/core/log.hpp"
#include "weft/core/random.hpp"

#include "redis_link.hpp"

namespace weft::replication {

struct RedisClient::Impl {
    Impl(asio::any_io_executor on, ReplicationCommandHandler& to, Options with)
        : executor{std::move(on)},
          handler{to},
          options{std::move(with)},
          backoff{options.backoff},
          where{address_of(options.redis).text()},
          tasks{executor} {}

    Task<void> run();
    Task<void> speak(RedisPair connections);
    void failed(std::string error) {
        if (error != last_error)
            core::log_warning("replication", "no connection to redis at {}: {}", where, error);
        last_error = std::move(error);
    }

    asio::any_io_executor executor;
    ReplicationCommandHandler& handler;
    Options options;
    Backoff backoff;
    std::string where;
    std::shared_ptr<RedisLink> link;
    std::string last_error;
    std::uint64_t connections_made = 0;
    bool stopping = false;
    core::BackgroundTasks tasks;
};

Task<void> RedisClient::Impl::run() {
    while (!stopping) {
        RedisIdentity who{options.redis, options.channel, handler.options().instance_name};
        auto pair = co_await connect_to_redis(executor, std::move(who), options.connect_timeout_ms);
        if (stopping) break;
        if (pair.error.empty()) {
            co_await speak(std::move(pair));
        } else {
            failed(std::move(pair.error));
        }
        if (stopping) break;
        co_await core::sleep_for(core::Milliseconds{backoff.next(core::random_unit())});
    }
}

Task<void> RedisClient::Impl::speak(RedisPair connections) {
    ++connections_made;
    core::log_info("replication", "connected to redis at {}", where);
    RedisLink::Options with{options.channel, where, options.limits};
    link = std::make_shared<RedisLink>(std::move(connections), handler, tasks, std::move(with));
    const auto current = link;
    std::exception_ptr failure;
    try {
        co_await current->run();
    } catch (...) {
        failure = std::current_exception();
    }
    link.reset();
    if (failure) std::rethrow_exception(failure);
    // A link that never caught up counts as a failure: the next one comes later.
    if (current->was_up()) backoff.reset();
    const auto& why = current->close_explanation();
    last_error = why.empty() ? std::string{to_string(current->close_reason())} : why;
}

RedisClient::RedisClient(asio::any_io_executor executor, ReplicationCommandHandler& handler, Options options)
    : impl_{std::make_shared<Impl>(std::move(executor), handler, std::move(options))} {}

RedisClient::~RedisClient() = default;

void RedisClient::start() {
    impl_->tasks.spawn("replication_redis", [impl = impl_.get()] { return impl->run(); });
}

ClientState RedisClient::state() const {
    if (impl_->stopping) return ClientState::kStopped;
    if (!impl_->link) return ClientState::kConnecting;
    return impl_->handler.caught_up(impl_->link->id()) ? ClientState::kUp : ClientState::kCatchingUp;
}

const std::string& RedisClient::last_error() const {
    static const std::string kNone;
    return impl_->link ? kNone : impl_->last_error;
}

std::uint64_t RedisClient::connections_made() const {
    return impl_->connections_made;
}

Task<void> RedisClient::stop(std::int64_t deadline_ms) {
    const auto impl = impl_;
    impl->stopping = true;
    if (impl->link) {
        impl->handler.send_clear_user_syncs();
        impl->link->close(CloseReason::kShutdown, {}, deadline_ms);
    }
    // A pending attempt or pause has nothing to finish.
    co_await impl->tasks.drain(impl->link ? deadline_ms : 0);
}

}  // namespace weft::replication
