#include "engine/connection_pool.hpp"

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
    {
        std::unique_lock lock{mutex_};
        ++waiting_;
        freed_.wait(lock, [this] { return closed_ || !idle_.empty() || open_ < connections_max_; });
        --waiting_;
        if (closed_) throw StoreError{"the database is being closed"};
        if (auto connection = take_idle()) return lend(std::move(connection));
        ++open_;
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
    if (waiting_ > 0) return lend(nullptr);
    return lend(take_idle());
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
    {
        const std::lock_guard lock{mutex_};
        if (connection && connection->reusable()) {
            idle_.push_back(std::move(connection));
        } else {
            --open_;
        }
    }
    freed_.notify_one();
}

void ConnectionPool::close() {
    {
        const std::lock_guard lock{mutex_};
        closed_ = true;
    }
    freed_.notify_all();
}

}  // namespace weft::storage
