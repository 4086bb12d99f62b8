#include "engine/connection_pool.hpp"

#include <condition_variable>

#include <boost/asio/post.hpp>

namespace weft::storage {

ConnectionPool::ConnectionPool(std::string connection_string, std::string application_name,
                               std::size_t connections_max)
    : connection_string_{std::move(connection_string)},
      application_name_{std::move(application_name)},
      connections_max_{connections_max} {}

void ConnectionPool::GiveBack::operator()(Connection* connection) const {
    std::unique_ptr<Connection> held{connection};
    if (const auto owner = pool.lock()) owner->give_back(std::move(held));
}

ConnectionPool::Lease ConnectionPool::take() {
    for (std::unique_lock lock{mutex_};;) {
        if (closed_) throw StoreError{"the database is being closed"};
        if (auto connection = take_idle()) return lend(std::move(connection));
        if (open_ < connections_max_) {
            ++open_;
            break;
        }
        std::condition_variable turn;
        bool has_come = false;
        std::unique_ptr<Connection> given;
        waiters_.push_back([&](std::unique_ptr<Connection> connection) {
            given = std::move(connection);
            has_come = true;
            turn.notify_one();
        });
        turn.wait(lock, [&has_come] { return has_come; });
        if (given) return lend(std::move(given));
    }
    try {
        return lend(std::make_unique<Connection>(connection_string_, application_name_));
    } catch (...) {
        give_back(nullptr);
        throw;
    }
}

ConnectionPool::Lease ConnectionPool::try_take() {
    const std::lock_guard lock{mutex_};
    return lend(take_idle());
}

Task<ConnectionPool::Lease> ConnectionPool::take_open(std::shared_ptr<ConnectionPool> pool) {
    const auto executor = co_await asio::this_coro::executor;
    const auto given = std::make_shared<std::unique_ptr<Connection>>();
    const auto initiate = [&](auto handler) {
        const auto resume = std::make_shared<decltype(handler)>(std::move(handler));
        const Waiter take = [given, resume, executor,
                             work = asio::make_work_guard(executor)](std::unique_ptr<Connection> next) {
            *given = std::move(next);
            asio::post(executor, std::move(*resume));
        };
        const std::lock_guard lock{pool->mutex_};
        auto connection = pool->take_idle();
        const bool may_be_opened = pool->open_ < pool->connections_max_;
        if (connection || may_be_opened || pool->closed_) {
            take(std::move(connection));
        } else {
            pool->waiters_.push_back(take);
        }
    };
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(initiate, asio::use_awaitable);
    co_return pool->lend(std::move(*given));
}

/// One that still works; those that the server has closed go.
std::unique_ptr<Connection> ConnectionPool::take_idle() {
    while (!idle_.empty()) {
        auto connection = std::move(idle_.back());
        idle_.pop_back();
        if (connection->usable()) return connection;
        --open_;
    }
    return nullptr;
}

ConnectionPool::Lease ConnectionPool::lend(std::unique_ptr<Connection> connection) {
    return Lease{connection.release(), GiveBack{weak_from_this()}};
}

void ConnectionPool::give_back(std::unique_ptr<Connection> connection) {
    const std::lock_guard lock{mutex_};
    if (connection && !connection->reusable()) connection.reset();
    if (!connection) --open_;
    if (!waiters_.empty()) {
        const auto next = std::move(waiters_.front());
        waiters_.pop_front();
        next(std::move(connection));
    } else if (connection) {
        idle_.push_back(std::move(connection));
    }
}

void ConnectionPool::close() {
    const std::lock_guard lock{mutex_};
    closed_ = true;
    for (const auto& waiter : std::exchange(waiters_, {})) waiter(nullptr);
}

}  // namespace weft::storage
