#pragma once

#include <memory>

#include <boost/asio/steady_timer.hpp>

#include "client_connection.hpp"
#include "weft/core/clock.hpp"

namespace weft::http {

/// The moment by which everything must have ended; closes the connection in use when it comes.
class Deadline {
public:
    Deadline(const asio::any_io_executor& executor, std::int64_t timeout_ms)
        : state_{std::make_shared<State>(executor)} {
        state_->timer.expires_after(core::Milliseconds{timeout_ms});
        state_->timer.async_wait([state = std::weak_ptr{state_}](const boost::system::error_code& error) {
            const auto alive = state.lock();
            if (error || !alive) return;
            alive->passed = true;
            if (alive->connection) alive->connection->close();
        });
    }

    void guard(std::shared_ptr<ClientConnection> connection) { state_->connection = std::move(connection); }
    bool passed() const { return state_->passed; }

private:
    struct State {
        explicit State(const asio::any_io_executor& executor) : timer{executor} {}
        asio::steady_timer timer;
        std::shared_ptr<ClientConnection> connection;
        bool passed = false;
    };
    std::shared_ptr<State> state_;
};

}  // namespace weft::http
