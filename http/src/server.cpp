#include "weft/http/server.hpp"

#include <algorithm>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>

#include "connection.hpp"
#include "error_response.hpp"
#include "listener.hpp"
#include "weft/core/log.hpp"
#include "weft/core/metrics.hpp"

namespace weft::http {
namespace {

using boost::system::error_code;

/// While accepting fails (no file descriptors left), a moment without trying.
constexpr core::Milliseconds kAcceptPause{100};
/// While stopping, how often what still runs is asked to end.
constexpr core::Milliseconds kAbortInterval{100};

/// Deadlines are checked a few times within the shortest of them.
core::Milliseconds tick_interval(const ServerLimits& limits) {
    const auto shortest =
        std::min({limits.idle_timeout_ms, limits.header_timeout_ms, limits.body_timeout_ms});
    return core::Milliseconds{std::clamp<std::int64_t>(shortest / 4, 10, 250)};
}

Task<void> tick(std::shared_ptr<ServerState> state) {
    const auto interval = tick_interval(state->limits);
    std::vector<std::shared_ptr<Connection>> due;
    for (;;) {
        co_await core::sleep_for(interval);
        const auto now_ms = state->clock.monotonic_ms();
        for (auto* connection : state->connections) {
            if (connection->is_due(now_ms)) due.push_back(connection->shared_from_this());
        }
        for (const auto& connection : due) connection->on_due(now_ms);
        due.clear();
    }
}

/// A copy that is safe to walk while connections come and go.
std::vector<std::shared_ptr<Connection>> snapshot(const ServerState& state) {
    std::vector<std::shared_ptr<Connection>> out;
    for (auto* connection : state.connections) {
        if (auto alive = connection->weak_from_this().lock()) out.push_back(std::move(alive));
    }
    return out;
}

/// Best effort: a client over the limit is told so if that takes no waiting.
void turn_away(Socket::Plain socket, ServerState& state) {
    static auto refused = core::counter("weft_http_connections_refused_total", "Connections over the limit");
    refused.increment();
    if (state.tls) return;
    auto response = error_response({503, "M_UNKNOWN", "Too many connections"});
    ResponseTraits traits;
    traits.keep_alive = false;
    const auto head = prepare_response(response, traits, state.compressor, state.clock.now_ms());
    error_code ignored;
    socket.write_some(std::array<asio::const_buffer, 2>{asio::buffer(head), asio::buffer(response.body)},
                      ignored);
    socket.shutdown(Socket::shutdown_both, ignored);
}

}  // namespace

struct Server::Impl {
    Impl(asio::any_io_executor executor, Router& router, const core::ListenerConfig& listener_config,
         const std::vector<std::string>& trusted_proxies, const ServerLimits& limits)
        : state{std::make_shared<ServerState>(executor, router, limits, trusted_proxies,
                                              listener_config.x_forwarded)},
          config{listener_config},
          tasks{executor} {}

    Task<void> accept(Listener::Acceptor& acceptor, std::shared_ptr<ServerState> shared);
    void admit(Socket::Plain socket, const Listener::Acceptor::endpoint_type& endpoint);

    std::shared_ptr<ServerState> state;
    core::ListenerConfig config;
    std::optional<Listener> listener;
    core::BackgroundTasks tasks;
};

Task<void> Server::Impl::accept(Listener::Acceptor& acceptor, std::shared_ptr<ServerState> shared) {
    for (;;) {
        Listener::Acceptor::endpoint_type peer;
        error_code error;
        auto socket = co_await acceptor.async_accept(peer, asio::redirect_error(asio::use_awaitable, error));
        // After these nothing of the server may be touched: it may be gone.
        if (error == asio::error::operation_aborted || shared->stopping || shared->closed) co_return;
        if (error) {
            core::log_warning("http.server", "cannot accept a connection: {}", error.message());
            co_await core::sleep_for(kAcceptPause);
            if (shared->stopping || shared->closed) co_return;
            continue;
        }
        admit(std::move(socket), peer);
    }
}

void Server::Impl::admit(Socket::Plain socket, const Listener::Acceptor::endpoint_type& endpoint) {
    error_code error;
    socket.non_blocking(true, error);
    auto peer = describe_peer(endpoint);
    if (!error && peer.address) socket.set_option(asio::ip::tcp::no_delay{true}, error);
    if (error) return;  // it was reset before we came to it
    if (state->connections.size() >= state->limits.connections_max) {
        turn_away(std::move(socket), *state);
        return;
    }
    auto connection = std::make_shared<Connection>(state, std::move(socket), std::move(peer));
    tasks.spawn("http_connection", [connection] { return connection->serve(); });
}

Server::Server(asio::any_io_executor executor, Router& router, const core::ListenerConfig& listener,
               std::vector<std::string> trusted_proxies, ServerLimits limits)
    : impl_{std::make_shared<Impl>(std::move(executor), router, listener, trusted_proxies, limits)} {}

Server::~Server() {
    impl_->state->closed = true;
    impl_->state->stopping = true;
    if (impl_->listener) impl_->listener->close();
    for (const auto& connection : snapshot(*impl_->state)) {
        connection->abort();
        connection->close();
    }
}

void Server::use_tls(core::TlsContext context) {
    impl_->state->tls = std::move(context);
}

void Server::start() {
    auto& impl = *impl_;
    impl.listener.emplace(impl.state->executor, impl.config);
    for (auto& acceptor : impl.listener->acceptors()) {
        impl.tasks.spawn("http_accept", [&impl, &acceptor] { return impl.accept(acceptor, impl.state); });
    }
    impl.tasks.spawn("http_deadlines", [state = impl.state] { return tick(state); });
}

std::uint16_t Server::port() const {
    return impl_->listener ? impl_->listener->port() : 0;
}

std::size_t Server::requests_in_flight() const {
    return impl_->state->requests_in_flight;
}

Task<void> Server::stop(std::int64_t deadline_ms) {
    const auto impl = impl_;
    auto& state = *impl->state;
    state.stopping = true;
    if (impl->listener) impl->listener->close();
    for (const auto& connection : snapshot(state)) connection->close_if_idle();

    const auto until_ms = state.clock.monotonic_ms() + deadline_ms;
    while (!state.connections.empty()) {
        const auto left_ms = until_ms - state.clock.monotonic_ms();
        if (left_ms <= 0) break;
        co_await state.emptied.wait(core::Milliseconds{left_ms});
    }
    if (state.requests_in_flight > 0) {
        core::log_info("http.server", "cancelling {} requests that did not end in time",
                       state.requests_in_flight);
    }
    while (!state.connections.empty()) {
        for (const auto& connection : snapshot(state)) connection->abort();
        co_await state.emptied.wait(kAbortInterval);
    }
    co_await impl->tasks.stop();
}

}  // namespace weft::http
