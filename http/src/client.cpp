#include "weft/http/client.hpp"

#include <deque>
#include <unordered_map>

#include <fmt/format.h>

#include "ascii.hpp"
#include "client_connection.hpp"
#include "weft/core/clock.hpp"
#include "weft/core/log_context.hpp"

namespace weft::http {
namespace {

using boost::system::error_code;
using ConnectionPtr = std::shared_ptr<ClientConnection>;

/// A connection that idled for longer is not used again: the server's own limit may strike at any moment.
constexpr std::int64_t kIdleMsMax = 60'000;

std::string pool_key(const core::InstanceAddress& address) {
    return address.path.empty() ? fmt::format("{}:{}", address.host, address.port) : address.path;
}

bool has_line_break(std::string_view text) {
    return text.find_first_of(std::string_view{"\r\n\0", 3}) != text.npos;
}

std::shared_ptr<const std::string> request_head(const core::InstanceAddress& address,
                                                const ClientRequest& request) {
    if (request.target.empty() || has_line_break(request.target) ||
        request.target.find(' ') != std::string::npos) {
        throw std::invalid_argument{"not a request target: " + request.target};
    }
    auto head = std::make_shared<std::string>();
    auto out = std::back_inserter(*head);
    fmt::format_to(out, "{} {} HTTP/1.1\r\n", to_string(request.method), request.target);
    if (!request.headers.get("Host")) {
        if (!address.path.empty()) {
            *head += "Host: localhost\r\n";
        } else if (address.host.find(':') != std::string::npos) {
            fmt::format_to(out, "Host: [{}]:{}\r\n", address.host, address.port);
        } else {
            fmt::format_to(out, "Host: {}:{}\r\n", address.host, address.port);
        }
    }
    const bool body_expected = request.method == Method::kPost || request.method == Method::kPut;
    if (!request.body.empty() || body_expected)
        fmt::format_to(out, "Content-Length: {}\r\n", request.body.size());
    for (const auto& [name, value] : request.headers.all()) {
        if (has_line_break(name) || has_line_break(value))
            throw std::invalid_argument{"line break in field " + name};
        if (iequals(name, "Content-Length") || iequals(name, "Transfer-Encoding")) continue;
        fmt::format_to(out, "{}: {}\r\n", name, value);
    }
    *head += "\r\n";
    return head;
}

/// The moment by which everything must have ended; closes the connection in use when it comes.
class Deadline {
public:
    Deadline(const asio::any_io_executor& executor, std::int64_t timeout_ms)
        : state_{std::make_shared<State>(executor)} {
        state_->timer.expires_after(core::Milliseconds{timeout_ms});
        state_->timer.async_wait([state = std::weak_ptr{state_}](const error_code& error) {
            const auto alive = state.lock();
            if (error || !alive) return;
            alive->passed = true;
            if (alive->connection) alive->connection->close();
        });
    }

    void guard(ConnectionPtr connection) { state_->connection = std::move(connection); }
    bool passed() const { return state_->passed; }

private:
    struct State {
        explicit State(const asio::any_io_executor& executor) : timer{executor} {}
        asio::steady_timer timer;
        ConnectionPtr connection;
        bool passed = false;
    };
    std::shared_ptr<State> state_;
};

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
    const auto key = pool_key(address);
    const auto head = request_head(address, request);
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
        if (!reused || !may_send_again(request.method, failure)) {
            throw ClientError{ClientError::Kind::kBroken,
                              fmt::format("{} {} at {} broke off: {}", to_string(request.method),
                                          request.target, key, failure.error.message())};
        }
        maybe_ran = maybe_ran || failure.request_sent;
    }
}

}  // namespace weft::http
