#include "weft/http/client.hpp"

#include <deque>
#include <unordered_map>

#include <fmt/format.h>

#include "client_connection.hpp"
#include "client_deadline.hpp"
#include "request_head.hpp"
#include "weft/core/clock.hpp"
#include "weft/core/log_context.hpp"

namespace weft::http {
namespace {

using boost::system::error_code;
using ConnectionPtr = std::shared_ptr<ClientConnection>;

/// A connection that idled for longer is not used again: the server's own limit may strike at any moment.
constexpr std::int64_t kIdleMsMax = 60'000;

std::string host_field(const core::InstanceAddress& address) {
    if (!address.path.empty()) return "localhost";
    const bool is_ipv6 = address.host.find(':') != std::string::npos;
    return is_ipv6 ? fmt::format("[{}]:{}", address.host, address.port) : address.text();
}

/// Did the request certainly not run, or does it not matter if it runs twice? Only asked for a kept
/// connection, which the server may have closed while our request was on its way.
bool may_send_again(Method method, const ClientConnection::Failure& failure) {
    if (failure.response_began || failure.too_large) return false;
    if (!failure.request_sent) return true;
    // A server that closes with our request unread resets the connection; one that died after reading it just
    // ends.
    if (failure.error == asio::error::connection_reset) return true;
    return failure.error == asio::error::eof && method != Method::kPost && method != Method::kPatch;
}

}  // namespace

struct Client::Impl {
    Impl(asio::any_io_executor on, std::size_t idle_max)
        : executor{core::with_context(std::move(on), core::sentinel_context())},
          idle_connections_max{idle_max} {}

    ConnectionPtr take_idle(const std::string& key) {
        auto& idle = pool[key];
        while (!idle.empty()) {
            auto connection = std::move(idle.back());
            idle.pop_back();
            if (clock.monotonic_ms() - connection->idle_since_ms < kIdleMsMax && connection->is_quiet())
                return connection;
        }
        return nullptr;
    }

    void give_back(const std::string& key, ConnectionPtr connection) {
        if (!connection->reusable()) return;
        connection->idle_since_ms = clock.monotonic_ms();
        auto& idle = pool[key];
        idle.push_back(std::move(connection));
        if (idle.size() > idle_connections_max) idle.pop_front();
    }

    asio::any_io_executor executor;
    std::size_t idle_connections_max;
    core::TlsContext tls;
    core::SystemClock clock;
    std::unordered_map<std::string, std::deque<ConnectionPtr>> pool;
};

Client::Client(asio::any_io_executor executor, std::size_t idle_connections_max)
    : impl_{std::make_shared<Impl>(std::move(executor), idle_connections_max)} {}

Client::~Client() = default;

void Client::use_tls(core::TlsContext context) {
    impl_->tls = std::move(context);
}

Task<Response> Client::send(core::InstanceAddress address, ClientRequest request) {
    const auto impl = impl_;  // the client may go while we wait
    const auto key = address.text();
    const auto head = request_head(request, host_field(address));
    Deadline deadline{impl->executor, request.timeout_ms};
    bool maybe_ran = false;  // an earlier attempt reached the server
    for (auto connection = impl->take_idle(key);; connection = nullptr) {
        const bool reused = connection != nullptr;
        if (!reused) {
            connection = std::make_shared<ClientConnection>(impl->executor);
            deadline.guard(connection);
            const auto error = co_await connection->connect(address, impl->tls, request.server_instance);
            if (error && (deadline.passed() || error != asio::error::operation_aborted)) {
                const auto why = deadline.passed() ? std::string{"timed out"} : error.message();
                throw ClientError{maybe_ran ? ClientError::Kind::kBroken : ClientError::Kind::kConnect,
                                  fmt::format("cannot connect to {}: {}", key, why)};
            }
            if (error) throw boost::system::system_error{error};  // cancelled
        }
        deadline.guard(connection);
        auto outcome = co_await connection->exchange(head, request);
        if (outcome.response) {
            impl->give_back(key, std::move(connection));
            co_return std::move(*outcome.response);
        }
        const auto& failure = outcome.failure;
        if (deadline.passed()) {
            throw ClientError{ClientError::Kind::kTimeout,
                              fmt::format("no answer from {} within {} ms", key, request.timeout_ms)};
        }
        if (failure.error == asio::error::operation_aborted) throw boost::system::system_error{failure.error};
        if (!reused || request.body_stream || !may_send_again(request.method, failure)) {
            throw ClientError{ClientError::Kind::kBroken,
                              fmt::format("{} {} at {} broke off: {}", to_string(request.method),
                                          request.target, key, failure.error.message())};
        }
        maybe_ran = maybe_ran || failure.request_sent;
    }
}

}  // namespace weft::http
