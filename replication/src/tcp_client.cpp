#include "weft/replication/tcp_client.hpp"

#include "weft/core/log.hpp"
#include "weft/core/random.hpp"

#include "connect.hpp"
#include "connection.hpp"

namespace weft::replication {

std::string_view to_string(ClientState state) {
    switch (state) {
        case ClientState::kConnecting:
            return "connecting";
        case ClientState::kCatchingUp:
            return "catching_up";
        case ClientState::kUp:
            return "up";
        case ClientState::kStopped:
            return "stopped";
    }
    return "unknown";
}

struct TcpClient::Impl {
    Impl(asio::any_io_executor on, ReplicationCommandHandler& to, Options with)
        : executor{std::move(on)},
          handler{to},
          options{std::move(with)},
          backoff{options.backoff},
          tasks{executor} {}

    Task<void> run();
    Task<void> speak(StreamSocket socket);
    std::string where() const { return options.address.text(); }
    void failed(std::string error) {
        if (error != last_error) core::log_warning("replication", "no connection to {}: {}", where(), error);
        last_error = std::move(error);
    }

    asio::any_io_executor executor;
    ReplicationCommandHandler& handler;
    Options options;
    Backoff backoff;
    std::shared_ptr<Connection> connection;
    std::string last_error;
    std::uint64_t connections_made = 0;
    bool stopping = false;
    core::BackgroundTasks tasks;
};

Task<void> TcpClient::Impl::run() {
    while (!stopping) {
        auto attempt = co_await connect(executor, options.address, options.connect_timeout_ms, options.tls, "master");
        if (stopping) break;
        if (attempt.socket) {
            co_await speak(std::move(*attempt.socket));
        } else {
            failed(std::move(attempt.error));
        }
        if (stopping) break;
        co_await core::sleep_for(core::Milliseconds{backoff.next(core::random_unit())});
    }
}

Task<void> TcpClient::Impl::speak(StreamSocket socket) {
    ++connections_made;
    Connection::Options with;
    with.session.role = SessionRole::kClient;
    with.session.server_name = options.server_name;
    with.session.instance_name = handler.options().instance_name;
    with.session.ping_interval_ms = options.limits.ping_interval_ms;
    with.session.ping_timeout_ms = options.limits.ping_timeout_ms;
    with.limits = options.limits;
    with.address = where();
    core::log_info("replication", "connected to the master at {}", where());
    connection = std::make_shared<Connection>(std::move(socket), handler, tasks, std::move(with));
    const auto current = connection;
    std::exception_ptr failure;
    try {
        co_await current->run();
    } catch (...) {
        failure = std::current_exception();
    }
    connection.reset();
    if (failure) std::rethrow_exception(failure);
    // A connection that never caught up counts as a failure: the next one comes later.
    if (current->was_up() && current->server_confirmed()) {
        backoff.reset();
        last_error.clear();
    }
    const auto& why = current->close_explanation();
    last_error = why.empty() ? std::string{to_string(current->close_reason())} : why;
}

TcpClient::TcpClient(asio::any_io_executor executor, ReplicationCommandHandler& handler, Options options)
    : impl_{std::make_shared<Impl>(std::move(executor), handler, std::move(options))} {}

TcpClient::~TcpClient() = default;

void TcpClient::start() {
    impl_->tasks.spawn("replication_client", [impl = impl_.get()] { return impl->run(); });
}

ClientState TcpClient::state() const {
    if (impl_->stopping) return ClientState::kStopped;
    const auto& connection = impl_->connection;
    if (!connection) return ClientState::kConnecting;
    const bool is_up = connection->server_confirmed() && impl_->handler.caught_up(connection->id());
    return is_up ? ClientState::kUp : ClientState::kCatchingUp;
}

const std::string& TcpClient::last_error() const {
    static const std::string kNone;
    return impl_->connection ? kNone : impl_->last_error;
}

std::uint64_t TcpClient::connections_made() const {
    return impl_->connections_made;
}

Task<void> TcpClient::stop(std::int64_t deadline_ms) {
    const auto impl = impl_;
    impl->stopping = true;
    if (impl->connection) {
        impl->handler.send_clear_user_syncs();
        impl->connection->close(CloseReason::kShutdown, {}, deadline_ms);
    }
    // A pending attempt or pause has nothing to finish.
    co_await impl->tasks.drain(impl->connection ? deadline_ms : 0);
}

}  // namespace weft::replication
