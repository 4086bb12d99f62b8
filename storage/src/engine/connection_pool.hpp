#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/connection.hpp"
#include "weft/core/task.hpp"

namespace weft::storage {

/// The connections of a process to one database: opened as they are needed, at most as many as it may have,
/// and used again, the most recently used first. Whoever finds none free waits for its turn: threads, which
/// may open one, and coroutines of the logic thread alike.
class ConnectionPool : public std::enable_shared_from_this<ConnectionPool> {
public:
    ConnectionPool(std::string connection_string, std::string application_name, std::size_t connections_max);

    /// A connection that goes back when it is let go, and is closed instead if it cannot be used again.
    struct GiveBack {
        std::weak_ptr<ConnectionPool> pool;
        void operator()(Connection* connection) const;
    };
    using Lease = std::unique_ptr<Connection, GiveBack>;

    /// Blocks until there is one. Throws TransientFailure if it cannot be opened, StoreError after close().
    Lease take();
    /// One that is idle, if nobody waits for it.
    Lease try_take();
    /// Waits without blocking. None: one has to be opened first, and that is for a thread.
    static Task<Lease> take_open(std::shared_ptr<ConnectionPool> pool);
    /// Nobody waits any longer.
    void close();

private:
    /// Takes over a connection, or nothing: then it is to look again.
    using Waiter = std::function<void(std::unique_ptr<Connection>)>;

    std::unique_ptr<Connection> take_idle();
    Lease lend(std::unique_ptr<Connection> connection);
    void give_back(std::unique_ptr<Connection> connection);

    const std::string connection_string_;
    const std::string application_name_;
    const std::size_t connections_max_;

    std::mutex mutex_;  // guards what follows
    std::vector<std::unique_ptr<Connection>> idle_;
    std::deque<Waiter> waiters_;  // called with the mutex held
    std::size_t open_ = 0;        // idle ones, lent ones, and those that are being opened
    bool closed_ = false;
};

}  // namespace weft::storage
