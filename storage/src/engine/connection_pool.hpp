#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/connection.hpp"

namespace weft::storage {

/// The connections of a process to one database: opened as they are needed, at most as many as it may have, and
/// used again, the most recently used first. Database threads wait for one, the logic thread never does.
class ConnectionPool : public std::enable_shared_from_this<ConnectionPool> {
public:
    ConnectionPool(std::string connection_string, std::string application_name, std::size_t connections_max);

    /// A connection that goes back when it is let go, and is closed instead if it cannot be used again.
    struct GiveBack {
        std::weak_ptr<ConnectionPool> pool;
        void operator()(Connection* connection) const;
    };
    using Lease = std::unique_ptr<Connection, GiveBack>;

    /// Waits until there is one. Throws TransientFailure if it cannot be opened, StoreError after close().
    Lease take();
    /// One that is open and idle and that no thread waits for, or none.
    Lease try_take();
    /// Nobody waits any longer.
    void close();

private:
    std::unique_ptr<Connection> take_idle();
    Lease lend(std::unique_ptr<Connection> connection);
    void give_back(std::unique_ptr<Connection> connection);

    const std::string connection_string_;
    const std::string application_name_;
    const std::size_t connections_max_;

    std::mutex mutex_;  // guards what follows
    std::condition_variable freed_;
    std::vector<std::unique_ptr<Connection>> idle_;
    std::size_t open_ = 0;     // idle ones, lent ones, and those that are being opened
    std::size_t waiting_ = 0;  // threads
    bool closed_ = false;
};

}  // namespace weft::storage
