#include "weft/replication/tcp_server.hpp"

#include <list>
#include <set>
#include <system_error>

#include <unistd.h>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>

#include "weft/core/log.hpp"

#include "connection.hpp"

namespace weft::replication {

using asio::ip::tcp;
using Unix = asio::local::stream_protocol;

struct TcpServer::Impl : std::enable_shared_from_this<Impl> {
    Impl(asio::any_io_executor on, ReplicationCommandHandler& to, std::string name, core::ListenerConfig at,
         LinkLimits with)
        : executor{std::move(on)},
          handler{to},
          server_name{std::move(name)},
          listener{std::move(at)},
          limits{with},
          tasks{executor} {}

    void listen_tcp(const std::string& address);
    void listen_unix();
    template <class Acceptor>
    Task<void> accept_loop(std::shared_ptr<Acceptor> acceptor);
    Task<void> admit(std::shared_ptr<StreamSocket> socket, std::string address);
    Task<bool> secure(std::shared_ptr<StreamSocket> socket, std::string address);
    Task<void> serve(std::shared_ptr<Connection> connection);

    asio::any_io_executor executor;
    ReplicationCommandHandler& handler;
    std::string server_name;
    core::ListenerConfig listener;
    LinkLimits limits;
    core::TlsContext tls;
    std::uint16_t bound_port = 0;
    std::vector<std::function<void()>> close_acceptors;
    std::set<std::shared_ptr<Connection>> connections;
    bool stopping = false;
    core::BackgroundTasks tasks;
};

namespace {

std::string address_of(const tcp::socket& socket) {
    boost::system::error_code error;
    const auto peer = socket.remote_endpoint(error);
    return error ? "unknown" : fmt::format("{}:{}", peer.address().to_string(), peer.port());
}
std::string address_of(const Unix::socket&) {
    return "unix socket";
}

void prepare(tcp::socket& socket) {
    boost::system::error_code ignored;
    socket.set_option(tcp::no_delay{true}, ignored);
}
void prepare(Unix::socket&) {}

}  // namespace

void TcpServer::Impl::listen_tcp(const std::string& address) {
    const auto what = fmt::format("replication listener on {}:{}", address, listener.port);
    try {
        boost::system::error_code not_numeric;
        const auto ip = asio::ip::make_address(address, not_numeric);
        auto endpoint = tcp::endpoint{ip, listener.port};
        if (not_numeric) {
            tcp::resolver resolver{executor};
            endpoint = resolver.resolve(address, std::to_string(listener.port)).begin()->endpoint();
        }
        auto acceptor = std::make_shared<tcp::acceptor>(executor, endpoint, true);
        bound_port = acceptor->local_endpoint().port();
        close_acceptors.push_back([acceptor] { acceptor->close(); });
        tasks.spawn("replication_accept", [this, acceptor] { return accept_loop(acceptor); });
    } catch (const boost::system::system_error& error) {
        throw std::system_error{error.code().value(), std::system_category(), what};
    }
}

void TcpServer::Impl::listen_unix() {
    try {
        ::unlink(listener.path.c_str());  // left behind by a process that was killed
        auto acceptor = std::make_shared<Unix::acceptor>(executor, Unix::endpoint{listener.path});
        close_acceptors.push_back([acceptor, path = listener.path] {
            acceptor->close();
            ::unlink(path.c_str());
        });
        tasks.spawn("replication_accept", [this, acceptor] { return accept_loop(acceptor); });
    } catch (const boost::system::system_error& error) {
        throw std::system_error{error.code().value(), std::system_category(),
                                "replication listener on " + listener.path};
    }
}

template <class Acceptor>
Task<void> TcpServer::Impl::accept_loop(std::shared_ptr<Acceptor> acceptor) {
    while (!stopping) {
        boost::system::error_code error;
        auto socket = co_await acceptor->async_accept(asio::redirect_error(asio::use_awaitable, error));
        if (stopping || !acceptor->is_open()) break;
        if (error) {
            core::log_warning("replication", "cannot accept a connection: {}", error.message());
            co_await core::sleep_for(core::Milliseconds{100});  // out of file descriptors: do not spin
            continue;
        }
        prepare(socket);
        auto address = address_of(socket);
        auto accepted = std::make_shared<StreamSocket>(std::move(socket));
        tasks.spawn("replication_connection",
                    [this, accepted, address = std::move(address)] { return admit(accepted, address); });
    }
}

Task<void> TcpServer::Impl::admit(std::shared_ptr<StreamSocket> socket, std::string address) {
    if (tls && listener.path.empty() && !co_await secure(socket, address)) co_return;
    if (stopping) co_return;
    Connection::Options options;
    options.session.role = SessionRole::kServer;
    options.session.server_name = server_name;
    options.session.instance_name = handler.options().instance_name;
    options.session.ping_interval_ms = limits.ping_interval_ms;
    options.session.ping_timeout_ms = limits.ping_timeout_ms;
    options.limits = limits;
    options.address = std::move(address);
    core::log_info("replication", "connection from {}", options.address);
    co_await serve(std::make_shared<Connection>(std::move(*socket), handler, tasks, std::move(options)));
}

Task<bool> TcpServer::Impl::secure(std::shared_ptr<StreamSocket> socket, std::string address) {
    asio::steady_timer deadline{executor, core::Milliseconds{limits.handshake_ms}};
    deadline.async_wait([socket](const boost::system::error_code& cancelled) {
        boost::system::error_code ignored;
        if (!cancelled) socket->close(ignored);
    });
    const auto error = co_await socket->handshake_as_server(tls);
    if (error) core::log_warning("replication", "no TLS with {}: {}", address, error.message());
    co_return !error;
}

Task<void> TcpServer::Impl::serve(std::shared_ptr<Connection> connection) {
    connections.insert(connection);
    std::exception_ptr failure;
    try {
        co_await connection->run();
    } catch (...) {
        failure = std::current_exception();
    }
    connections.erase(connection);
    if (failure) std::rethrow_exception(failure);
}

TcpServer::TcpServer(asio::any_io_executor executor, ReplicationCommandHandler& handler,
                     std::string server_name, core::ListenerConfig listener, LinkLimits limits)
    : impl_{std::make_shared<Impl>(std::move(executor), handler, std::move(server_name), std::move(listener),
                                   limits)} {}

TcpServer::~TcpServer() = default;

void TcpServer::use_tls(core::TlsContext context) {
    impl_->tls = std::move(context);
}

void TcpServer::start() {
    if (!impl_->listener.path.empty()) {
        impl_->listen_unix();
        core::log_info("replication", "listening on {}", impl_->listener.path);
        return;
    }
    for (const auto& address : impl_->listener.bind_addresses) {
        impl_->listen_tcp(address);
        core::log_info("replication", "listening on {}:{}", address, impl_->bound_port);
    }
}

std::uint16_t TcpServer::port() const {
    return impl_->bound_port;
}
std::size_t TcpServer::connections() const {
    return impl_->connections.size();
}

Task<void> TcpServer::stop(std::int64_t deadline_ms) {
    const auto impl = impl_;
    impl->stopping = true;
    for (const auto& close : impl->close_acceptors) close();
    const auto open = impl->connections;
    for (const auto& connection : open) connection->close(CloseReason::kShutdown, {}, deadline_ms);
    co_await impl->tasks.drain(deadline_ms);
}

}  // namespace weft::replication
