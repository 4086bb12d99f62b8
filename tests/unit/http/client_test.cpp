#include <catch2/catch.hpp>

#include <filesystem>

#include <unistd.h>

#include <boost/asio/local/stream_protocol.hpp>

#include "http_fixture.hpp"
#include "weft/http/client.hpp"

namespace weft::http {
namespace {

core::InstanceAddress address_of(const ServerFixture& fixture) {
    return {"127.0.0.1", fixture.server->port(), ""};
}

ClientRequest post_to(std::string target, std::string body) {
    ClientRequest request;
    request.method = Method::kPost;
    request.target = std::move(target);
    request.body = std::move(body);
    return request;
}

ClientRequest get_of(std::string target) {
    ClientRequest request;
    request.target = std::move(target);
    return request;
}

/// A server whose answers are written by the test: each connection is served by `script` with its number.
class ScriptedServer {
public:
    using Socket = asio::ip::tcp::socket;
    using Script = std::function<Task<void>(Socket&, int)>;

    ScriptedServer(asio::io_context& io, Script script)
        : acceptor_{io, asio::ip::tcp::endpoint{asio::ip::address_v4::loopback(), 0}},
          script_{std::move(script)} {
        asio::co_spawn(io, serve(), [](const std::exception_ptr&) {});
    }

    core::InstanceAddress address() { return {"127.0.0.1", acceptor_.local_endpoint().port(), ""}; }
    int connections() const { return connections_; }
    void close() { acceptor_.close(); }

    /// Reads until the end of a request's head.
    static Task<void> read_head(Socket& socket) {
        std::string text;
        co_await asio::async_read_until(socket, asio::dynamic_buffer(text), "\r\n\r\n", asio::use_awaitable);
    }
    static Task<void> answer(Socket& socket, std::string text) {
        co_await asio::async_write(socket, asio::buffer(text), asio::use_awaitable);
    }

private:
    Task<void> serve() {
        for (;;) {
            auto socket = co_await acceptor_.async_accept(asio::use_awaitable);
            const int number = ++connections_;
            try {
                co_await script_(socket, number);
            } catch (const boost::system::system_error&) {
                continue;  // the client hung up in the middle of the script
            }
        }
    }

    asio::ip::tcp::acceptor acceptor_;
    Script script_;
    int connections_ = 0;
};

ClientError::Kind kind_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const ClientError& error) {
        return error.kind;
    }
    throw std::runtime_error{"no ClientError"};
}

constexpr auto kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

}  // namespace

TEST_CASE("client and server understand each other over TCP", "[http]") {
    ServerFixture fixture;
    Client client{fixture.io.get_executor()};

    const auto echoed = run(fixture.io, client.send(address_of(fixture), post_to("/echo", R"({"a":1})")));
    const auto missing = run(fixture.io, client.send(address_of(fixture), get_of("/nothing")));

    CHECK(echoed.status == 200);
    CHECK(echoed.body == R"({"a":1})");
    CHECK(echoed.content_type == "application/json");
    CHECK(missing.status == 404);
    CHECK_FALSE(missing.headers.get("Content-Length"));
}

TEST_CASE("client and server understand each other over a unix socket", "[http]") {
    const auto path =
        std::filesystem::temp_directory_path() / ("weft-http-test-" + std::to_string(::getpid()));
    {
        ServerFixture fixture{{}, true, path.string()};
        Client client{fixture.io.get_executor()};

        CHECK(run(fixture.io, client.send({"", 0, path.string()}, post_to("/echo", "x"))).body == "x");
        CHECK(run(fixture.io, client.send({"", 0, path.string()}, get_of("/client"))).body == "unix");
        auto forwarded = get_of("/client");
        forwarded.headers.add("X-Forwarded-For", "1.2.3.4");
        CHECK(run(fixture.io, client.send({"", 0, path.string()}, forwarded)).body == "1.2.3.4");
        CHECK(fixture.server->port() == 0);
    }
    CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("the socket file of a dead server is replaced, that of a living one is not", "[http]") {
    const auto path =
        (std::filesystem::temp_directory_path() / ("weft-http-stale-" + std::to_string(::getpid()))).string();
    asio::io_context io;
    { asio::local::stream_protocol::acceptor dead{io, asio::local::stream_protocol::endpoint{path}}; }
    REQUIRE(std::filesystem::exists(path));

    ServerFixture fixture{{}, false, path};
    core::ListenerConfig listener;
    listener.path = path;
    Server second{fixture.io.get_executor(), fixture.router, listener, {}};

    CHECK_THROWS_AS(second.start(), std::system_error);
    Client client{fixture.io.get_executor()};
    CHECK(run(fixture.io, client.send({"", 0, path}, get_of("/hello"))).status == 200);
}

TEST_CASE("a connection is used again for the same address", "[http]") {
    asio::io_context io;
    ScriptedServer server{io, [](ScriptedServer::Socket& socket, int) -> Task<void> {
                              for (;;) {
                                  co_await ScriptedServer::read_head(socket);
                                  co_await ScriptedServer::answer(socket, kOk);
                              }
                          }};
    Client client{io.get_executor()};

    for (int i = 0; i < 3; ++i) CHECK(run(io, client.send(server.address(), get_of("/"))).body == "ok");

    CHECK(server.connections() == 1);
}

TEST_CASE("a kept connection that the server closed meanwhile is replaced unnoticed", "[http]") {
    asio::io_context io;
    ScriptedServer server{io, [](ScriptedServer::Socket& socket, int) -> Task<void> {
                              co_await ScriptedServer::read_head(socket);
                              co_await ScriptedServer::answer(socket, kOk);
                              socket.close();
                          }};
    Client client{io.get_executor()};

    CHECK(run(io, client.send(server.address(), post_to("/", "a"))).body == "ok");
    CHECK(run(io, client.send(server.address(), post_to("/", "b"))).body == "ok");
    CHECK(server.connections() == 2);
}

TEST_CASE(
    "a kept connection that dies under a request: reads are sent again, a POST that may have run is not",
    "[http]") {
    asio::io_context io;
    // Answers the first request of its first connection; reads the second one and hangs up.
    const auto script = [](ScriptedServer::Socket& socket, int number) -> Task<void> {
        co_await ScriptedServer::read_head(socket);
        co_await ScriptedServer::answer(socket, kOk);
        if (number > 1) co_return;
        co_await ScriptedServer::read_head(socket);
        socket.close();
    };
    ScriptedServer for_get{io, script};
    ScriptedServer for_post{io, script};
    Client client{io.get_executor()};

    run(io, client.send(for_get.address(), get_of("/")));
    CHECK(run(io, client.send(for_get.address(), get_of("/"))).body == "ok");
    CHECK(for_get.connections() == 2);
    run(io, client.send(for_post.address(), get_of("/")));
    CHECK(kind_of([&] { run(io, client.send(for_post.address(), post_to("/", ""))); }) ==
          ClientError::Kind::kBroken);
    CHECK(for_post.connections() == 1);
}

TEST_CASE("a repeated request that finds nobody is broken, not unconnected: it may have run", "[http]") {
    asio::io_context io;
    ScriptedServer* self = nullptr;
    ScriptedServer server{io, [&](ScriptedServer::Socket& socket, int) -> Task<void> {
                              co_await ScriptedServer::read_head(socket);
                              co_await ScriptedServer::answer(socket, kOk);
                              co_await ScriptedServer::read_head(socket);
                              self->close();
                              socket.close();
                          }};
    self = &server;
    const auto address = server.address();
    Client client{io.get_executor()};
    run(io, client.send(address, get_of("/")));

    CHECK(kind_of([&] { run(io, client.send(address, get_of("/"))); }) == ClientError::Kind::kBroken);
}

TEST_CASE("nobody there is kConnect", "[http]") {
    asio::io_context io;
    asio::ip::tcp::acceptor taken{io, asio::ip::tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
    const auto port = taken.local_endpoint().port();
    taken.close();
    Client client{io.get_executor()};

    CHECK(kind_of([&] {
              run(io, client.send({"127.0.0.1", port, ""}, get_of("/")));
          }) == ClientError::Kind::kConnect);
    CHECK(kind_of([&] {
              run(io, client.send({"", 0, "/nonexistent/socket"}, get_of("/")));
          }) == ClientError::Kind::kConnect);
}

TEST_CASE("no answer in time is kTimeout", "[http]") {
    ServerFixture fixture;
    Client client{fixture.io.get_executor()};
    auto request = get_of("/hold");
    request.timeout_ms = 30;

    CHECK(kind_of([&] { run(fixture.io, client.send(address_of(fixture), request)); }) ==
          ClientError::Kind::kTimeout);
}

TEST_CASE("an answer that is cut off, no HTTP or too large is kBroken", "[http]") {
    asio::io_context io;
    std::string text;
    ScriptedServer server{io, [&](ScriptedServer::Socket& socket, int) -> Task<void> {
                              co_await ScriptedServer::read_head(socket);
                              co_await ScriptedServer::answer(socket, text);
                              socket.close();
                          }};
    Client client{io.get_executor()};
    auto request = get_of("/");
    request.response_bytes_max = 100;

    for (const auto& answer :
         {std::string{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"}, std::string{"HTTP/1.1 2"},
          std::string{"SSH-2.0-x\r\n\r\n"}, std::string{},
          "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n" + std::string(101, 'x'),
          "HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x') + "\r\nContent-Length: 0\r\n\r\n"}) {
        CAPTURE(answer.substr(0, 60));
        text = answer;
        CHECK(kind_of([&] { run(io, client.send(server.address(), request)); }) ==
              ClientError::Kind::kBroken);
    }
}

TEST_CASE("answers without length, in chunks, or after 100 Continue are read to their end", "[http]") {
    asio::io_context io;
    std::string text;
    ScriptedServer server{io, [&](ScriptedServer::Socket& socket, int) -> Task<void> {
                              co_await ScriptedServer::read_head(socket);
                              co_await ScriptedServer::answer(socket, text);
                              socket.close();
                          }};
    Client client{io.get_executor()};
    const auto body = [&](const std::string& answer) {
        text = answer;
        return run(io, client.send(server.address(), get_of("/"))).body;
    };

    CHECK(body("HTTP/1.1 200 OK\r\n\r\nto the end") == "to the end");
    CHECK(body("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n") ==
          "abc");
    CHECK(body(std::string{"HTTP/1.1 100 Continue\r\n\r\n"} + kOk) == "ok");
    CHECK(body("HTTP/1.1 204 No Content\r\n\r\n").empty());
}

TEST_CASE("cancelling a call ends it and closes its connection, which cancels the handler", "[http]") {
    ServerFixture fixture;
    Client client{fixture.io.get_executor()};
    asio::cancellation_signal cancel;
    std::exception_ptr failure;
    asio::co_spawn(fixture.io, client.send(address_of(fixture), get_of("/hold")),
                   asio::bind_cancellation_slot(
                       cancel.slot(), [&](std::exception_ptr error, const Response&) { failure = error; }));
    REQUIRE(run_until(fixture.io, [&] { return fixture.holding == 1; }));

    cancel.emit(asio::cancellation_type::terminal);

    REQUIRE(run_until(fixture.io, [&] { return failure != nullptr; }));
    CHECK(core::is_cancellation(failure));
    CHECK(run_until(fixture.io, [&] { return fixture.cancelled == 1; }));
}

TEST_CASE("a target or field with a line break is refused before anything is sent", "[http]") {
    asio::io_context io;
    Client client{io.get_executor()};
    auto request = get_of("/");
    request.headers.add("X", "a\r\nb");

    CHECK_THROWS_AS(run(io, client.send({"127.0.0.1", 1, ""}, get_of("/a b"))), std::invalid_argument);
    CHECK_THROWS_AS(run(io, client.send({"127.0.0.1", 1, ""}, get_of("/a\r\n"))), std::invalid_argument);
    CHECK_THROWS_AS(run(io, client.send({"127.0.0.1", 1, ""}, request)), std::invalid_argument);
}

}  // namespace weft::http
