#include "connect.hpp"

#include <sys/un.h>

#include <fmt/format.h>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include "weft/core/clock.hpp"

namespace weft::replication {

using asio::ip::tcp;
using Unix = asio::local::stream_protocol;

namespace {

constexpr auto kNoThrow = asio::as_tuple(asio::use_awaitable);

Task<ConnectAttempt> connect_unix(asio::any_io_executor executor, std::string path) {
    ConnectAttempt attempt;
    if (path.size() >= sizeof(sockaddr_un::sun_path)) {
        attempt.error = "the path is too long for a unix socket";
        co_return attempt;
    }
    Unix::socket socket{executor};
    const auto [error] = co_await socket.async_connect(Unix::endpoint{path}, kNoThrow);
    if (error) {
        attempt.error = error.message();
    } else {
        attempt.socket.emplace(std::move(socket));
    }
    co_return attempt;
}

Task<ConnectAttempt> connect_tcp(asio::any_io_executor executor, std::string host, std::uint16_t port) {
    ConnectAttempt attempt;
    tcp::resolver resolver{executor};
    const auto [unresolved, endpoints] =
        co_await resolver.async_resolve(host, std::to_string(port), kNoThrow);
    if (unresolved) {
        attempt.error = unresolved.message();
        co_return attempt;
    }
    tcp::socket socket{executor};
    const auto [error, endpoint] = co_await asio::async_connect(socket, endpoints, kNoThrow);
    if (error) {
        attempt.error = error.message();
        co_return attempt;
    }
    boost::system::error_code ignored;
    socket.set_option(tcp::no_delay{true}, ignored);
    attempt.socket.emplace(std::move(socket));
    co_return attempt;
}

Task<ConnectAttempt> connect_securely(asio::any_io_executor executor, core::InstanceAddress address,
                                      core::TlsContext tls, std::string instance) {
    auto attempt = co_await connect_tcp(executor, address.host, address.port);
    if (!attempt.socket) co_return attempt;
    std::vector<std::string> names{address.host, std::move(instance)};
    const auto error = co_await attempt.socket->handshake_as_client(std::move(tls), std::move(names));
    if (error) {
        attempt.error = "TLS: " + error.message();
        attempt.socket.reset();
    }
    co_return attempt;
}

Task<ConnectAttempt> connect_to(asio::any_io_executor executor, core::InstanceAddress address,
                                core::TlsContext tls, std::string instance) {
    if (!address.path.empty()) return connect_unix(executor, address.path);
    if (!tls) return connect_tcp(executor, address.host, address.port);
    return connect_securely(executor, std::move(address), std::move(tls), std::move(instance));
}

}  // namespace

Task<ConnectAttempt> connect(asio::any_io_executor executor, core::InstanceAddress address,
                             std::int64_t timeout_ms, core::TlsContext tls, std::string instance) {
    using namespace asio::experimental::awaitable_operators;
    asio::steady_timer timer{executor, core::Milliseconds{timeout_ms}};
    auto work = connect_to(executor, std::move(address), std::move(tls), std::move(instance));
    auto outcome = co_await (std::move(work) || timer.async_wait(kNoThrow));
    if (outcome.index() == 0) co_return std::move(std::get<0>(outcome));
    ConnectAttempt late;
    late.error = fmt::format("no answer within {} ms", timeout_ms);
    co_return late;
}

}  // namespace weft::replication
