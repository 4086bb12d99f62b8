#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include <zlib.h>

#include <catch2/catch.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include "weft/core/async.hpp"
#include "weft/core/config.hpp"
#include "weft/core/errors.hpp"
#include "weft/http/router.hpp"
#include "weft/http/server.hpp"
#include "weft/http/uri.hpp"

namespace weft::http {

/// Runs `task` to its end on `io`, at most ten seconds, and hands back its result or exception.
template <class T>
T run(asio::io_context& io, Task<T> task) {
    struct Ended {
        bool done = false;
        std::exception_ptr failure;
        std::optional<T> value;
    } ended;
    asio::co_spawn(io.get_executor(), std::move(task), [&ended](std::exception_ptr failure, T value) {
        ended.done = true;
        ended.failure = failure;
        if (!failure) ended.value = std::move(value);
    });
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    io.restart();
    while (!ended.done && std::chrono::steady_clock::now() < deadline && io.run_one_until(deadline) > 0) {
    }
    if (!ended.done) throw std::runtime_error{"the task did not end within ten seconds"};
    if (ended.failure) std::rethrow_exception(ended.failure);
    return std::move(*ended.value);
}

inline void run(asio::io_context& io, Task<void> task) {
    auto wrapped = [](Task<void> inner) -> Task<bool> {
        co_await std::move(inner);
        co_return true;
    };
    run(io, wrapped(std::move(task)));
}

/// Lets `io` work until `condition` holds, at most ten seconds; false if it never did.
inline bool run_until(asio::io_context& io, const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    io.restart();
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= deadline || io.run_one_until(deadline) == 0)
            return condition();
    }
    return true;
}

/// What came back over a raw socket.
struct RawResponse {
    int status = 0;
    std::string head;  // status line and fields
    std::string body;

    /// The value of a field, or "" if it is not there.
    std::string field(std::string_view name) const {
        const auto start = head.find("\r\n" + std::string{name} + ": ");
        if (start == std::string::npos) return {};
        const auto value = start + name.size() + 4;
        return head.substr(value, head.find("\r\n", value) - value);
    }
};

/// A client that sends what it is told, well-formed or not.
class RawClient {
public:
    explicit RawClient(asio::io_context& io) : socket_{io} {}

    void connect(std::uint16_t port) { socket_.connect(tcp_endpoint(port)); }
    void connect(const asio::generic::stream_protocol::endpoint& endpoint) { socket_.connect(endpoint); }

    Task<void> send(std::string text) {
        co_await asio::async_write(socket_, asio::buffer(text), asio::use_awaitable);
    }

    /// One response whose body has a Content-Length; `to_head`: none follows.
    Task<RawResponse> receive(bool to_head = false) {
        RawResponse response;
        std::size_t end = 0;
        while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) co_await read_more();
        response.head = buffer_.substr(0, end + 2);
        buffer_.erase(0, end + 4);
        response.status = std::stoi(response.head.substr(response.head.find(' ') + 1));
        const auto length = response.field("Content-Length");
        const auto expected = to_head || length.empty() ? 0 : std::stoul(length);
        while (buffer_.size() < expected) co_await read_more();
        response.body = buffer_.substr(0, expected);
        buffer_.erase(0, expected);
        co_return response;
    }

    Task<RawResponse> exchange(std::string text) {
        co_await send(std::move(text));
        co_return co_await receive();
    }

    /// True if the server closed without sending anything more.
    Task<bool> at_end() {
        try {
            co_await read_more();
        } catch (const boost::system::system_error&) {
            co_return buffer_.empty();
        }
        co_return false;
    }

    void close() { socket_.close(); }

private:
    static asio::generic::stream_protocol::endpoint tcp_endpoint(std::uint16_t port) {
        return asio::ip::tcp::endpoint{asio::ip::address_v4::loopback(), port};
    }

    Task<void> read_more() {
        std::array<char, 4096> chunk{};
        const auto count = co_await socket_.async_read_some(asio::buffer(chunk), asio::use_awaitable);
        buffer_.append(chunk.data(), count);
    }

    asio::generic::stream_protocol::socket socket_;
    std::string buffer_;
};

/// An endpoint that needs no authentication.
inline Endpoint open_endpoint(Method method, std::string path, std::string operation = "test") {
    Endpoint endpoint;
    endpoint.method = method;
    endpoint.paths = {std::move(path)};
    endpoint.operation = std::move(operation);
    endpoint.auth = Auth::kNone;
    return endpoint;
}

/// A handler that is a plain function.
inline Handler answers(std::function<Response(Request)> function) {
    return [function = std::move(function)](Request request) -> Task<Response> {
        co_return function(std::move(request));
    };
}

inline Request request_for(Method method, std::string target) {
    Request request;
    request.method = method;
    const auto [path, query] = split_target(target);
    request.path = path;
    request.query = parse_query(query).value();
    request.target = std::move(target);
    return request;
}

/// Requests as they go over the wire; `fields` are whole lines.
inline std::string post(const std::string& path, const std::string& body, const std::string& fields = {}) {
    return "POST " + path + " HTTP/1.1\r\nHost: x\r\n" + fields +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

inline std::string get(const std::string& path, const std::string& fields = {}) {
    return "GET " + path + " HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n";
}

/// A server on a free port with a few endpoints: /echo gives the body back, /hold answers when released.
class ServerFixture {
public:
    explicit ServerFixture(ServerLimits limits = {}, bool x_forwarded = false, std::string unix_path = {}) {
        core::ListenerConfig listener;
        listener.port = 0;
        listener.path = std::move(unix_path);
        listener.x_forwarded = x_forwarded;
        router.add(open_endpoint(Method::kGet, "/hello"), answers([](const Request&) { return Response{}; }));
        router.add(open_endpoint(Method::kPost, "/echo"), answers([](Request request) {
                       return Response{200, std::move(request.body)};
                   }));
        router.add(open_endpoint(Method::kGet, "/client"), answers([](const Request& request) {
                       return Response{200, request.remote_address};
                   }));
        auto hold_it = open_endpoint(Method::kGet, "/hold");
        hold_it.timeout_ms = 0;
        router.add(hold_it, std::bind_front(&ServerFixture::hold, this));
        auto write_it = open_endpoint(Method::kPut, "/hold");
        router.add(write_it, std::bind_front(&ServerFixture::hold, this));
        server.emplace(io.get_executor(), router, listener,
                       std::vector<std::string>{"127.0.0.1", "10.0.0.0/8"}, limits);
        server->start();
    }

    ~ServerFixture() { run(io, server->stop(0)); }

    RawClient connect() {
        RawClient client{io};
        client.connect(server->port());
        return client;
    }

    RawResponse exchange(std::string text) {
        auto client = connect();
        return run(io, client.exchange(std::move(text)));
    }

    asio::io_context io;
    Router router;
    core::Signal release{io.get_executor()};
    int holding = 0;
    int cancelled = 0;
    std::optional<Server> server;

private:
    Task<Response> hold(Request request) {
        ++holding;
        std::exception_ptr failure;
        try {
            co_await release.wait();
        } catch (...) {
            failure = std::current_exception();
        }
        --holding;
        if (failure) {
            ++cancelled;
            std::rethrow_exception(failure);
        }
        co_return Response{200, "\"released\""};
    }
};

/// zlib's answer to gzip and zlib formats alike.
inline std::string inflate_any(const std::string& compressed) {
    z_stream stream{};
    REQUIRE(inflateInit2(&stream, MAX_WBITS + 32) == Z_OK);
    std::string out(1 << 20, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
    stream.avail_in = static_cast<uInt>(compressed.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    const auto result = inflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    inflateEnd(&stream);
    REQUIRE(result == Z_STREAM_END);
    return out;
}

}  // namespace weft::http
