// Replication and calls between processes under TLS, with real handshakes.
#include <catch2/catch.hpp>

#include "certificates.hpp"
#include "harness.hpp"
#include "weft/core/stream_socket.hpp"
#include "weft/http/server.hpp"
#include "weft/replication/rpc.hpp"
#include "weft/replication/tcp_client.hpp"
#include "weft/replication/tcp_server.hpp"

using namespace weft;
using namespace weft::replication;
using namespace weft::replication::testing;
using asio::ip::tcp;

namespace {

const std::string kTop = WEFT_TEST_DATA "/../..";

const test::Certificates& ours() {
    static const test::Certificates made{kTop, "master synchrotron1 event_persister1 other=127.0.0.1"};
    return made;
}

/// Of another authority.
const test::Certificates& theirs() {
    static const test::Certificates made{kTop, "master synchrotron1"};
    return made;
}

struct Master {
    Master(asio::io_context& io, FakeDatabase& database, const core::TlsConfig& tls, LinkLimits limits = {})
        : fake{database, "master"},
          handler{io.get_executor(), clock, handler_options("master")},
          server{io.get_executor(), handler, "example.com", {}, limits} {
        handler.add_stream(fake.stream("events", {"master"}));
        server.use_tls(core::make_tls_context(tls));
        server.start();
    }
    Task<void> stop() {
        co_await server.stop(20);
        co_await handler.stop();
    }

    core::SystemClock clock;
    FakeProcess fake;
    ReplicationCommandHandler handler;
    TcpServer server;
};

struct Worker {
    Worker(asio::io_context& io, FakeDatabase& database, std::uint16_t port, const core::TlsConfig& tls)
        : fake{database, "synchrotron1"},
          handler{io.get_executor(), clock, handler_options("synchrotron1")},
          client{io.get_executor(), handler, [&] {
                     TcpClient::Options options;
                     options.server_name = "example.com";
                     options.address = {"127.0.0.1", port, ""};
                     options.tls = core::make_tls_context(tls);
                     options.backoff.min_ms = 5;
                     options.backoff.max_ms = 50;
                     return options;
                 }()} {
        handler.add_stream(fake.stream("events", {"master"}));
        client.start();
    }
    Task<void> stop() {
        co_await client.stop(100);
        co_await handler.stop();
    }

    core::SystemClock clock;
    FakeProcess fake;
    ReplicationCommandHandler handler;
    TcpClient client;
};

/// What becomes of a worker with these certificates at a master with those: the error, once it has one.
std::string refusal(const core::TlsConfig& master_tls, const core::TlsConfig& worker_tls) {
    asio::io_context io;
    FakeDatabase database;
    Master master{io, database, master_tls};
    std::string error;
    run(io, [&]() -> Task<void> {
        Worker worker{io, database, master.server.port(), worker_tls};
        co_await until([&] { return !worker.client.last_error().empty(); });
        error = worker.client.last_error();
        CHECK(worker.fake.positions.empty());
        CHECK(master.handler.link_status().empty());
        co_await worker.stop();
        co_await master.stop();
    });
    return error;
}

/// A process with one call, `echo`.
struct Callee {
    Callee(asio::io_context& io, const core::TlsConfig& tls)
        : rpc{io.get_executor(), clock, router}, server{io.get_executor(), router, {}, {}} {
        router.set_authenticator(rpc_authenticator("s3cret"));
        rpc.serve_json(echo(), [](RpcArgs, json::value body) -> Task<json::value> { co_return body; });
        server.use_tls(core::make_tls_context(tls));
        server.start();
    }
    static RpcRoute echo(std::int64_t deadline_ms = 10'000) {
        RpcRoute route;
        route.name = "echo";
        route.deadline_ms = deadline_ms;
        return route;
    }
    Task<void> stop() {
        co_await server.stop(100);
        co_await rpc.stop();
    }

    core::SystemClock clock;
    http::Router router;
    RpcServer rpc;
    http::Server server;
};

/// What is refused is tried again until then.
constexpr std::int64_t kRefusedForMs = 200;

/// Calls `master` there; an answer or the error's text.
Task<std::string> call(asio::any_io_executor executor, std::uint16_t port, core::TlsConfig tls,
                       json::value body, RpcRoute route = Callee::echo()) {
    core::SystemClock clock;
    RpcClient client{
        executor,
        clock,
        {"synchrotron1", {{"master", {"127.0.0.1", port, ""}}}, "s3cret", core::make_tls_context(tls)}};
    try {
        co_return json::serialize(co_await client.call_json(route, "master", {}, std::move(body)));
    } catch (const RpcError& error) {
        co_return error.what();
    }
}

}  // namespace

TEST_CASE("a worker and its master meet under TLS", "[replication][tls]") {
    asio::io_context io;
    FakeDatabase database;
    Master master{io, database, ours().of("master")};
    for (int i = 1; i <= 2'500; ++i) database.write({"events", "master"}, i, i);
    master.fake.positions[{"events", "master"}] = 2'500;

    run(io, [&]() -> Task<void> {
        Worker worker{io, database, master.server.port(), ours().of("synchrotron1")};
        for (int i = 2'501; i <= 5'000; ++i) master.fake.write(master.handler, "events", i, {i});
        co_await until([&] { return worker.client.state() == ClientState::kUp; });
        for (int i = 5'001; i <= 20'000; ++i) master.fake.write(master.handler, "events", i, {i});
        CHECK(co_await worker.handler.wait_for_stream_position({"events", "master"}, 20'000, 10s));
        CHECK(worker.fake.applied[{"events", "master"}].size() == 20'000);
        CHECK(worker.client.connections_made() == 1);
        co_await worker.stop();
        co_await until([&] { return master.server.connections() == 0; });
        co_await master.stop();
    });
}

TEST_CASE("a certificate of another authority is refused, by either end", "[replication][tls]") {
    auto half = ours().of("synchrotron1");
    CHECK_THAT(refusal(theirs().of("master"), half), Catch::Contains("certificate verify failed"));
    half.certificate = theirs().file("synchrotron1.crt");  // trusts the master, but is not trusted
    half.key = theirs().file("synchrotron1.key");
    CHECK_THAT(refusal(ours().of("master"), half), Catch::Contains("unknown ca"));
}

TEST_CASE("a worker talks only to a certificate of the master or its host", "[replication][tls]") {
    CHECK_THAT(refusal(ours().of("event_persister1"), ours().of("synchrotron1")),
               Catch::Contains("certificate verify failed"));

    asio::io_context io;
    FakeDatabase database;
    Master master{io, database, ours().of("other")};
    run(io, [&]() -> Task<void> {
        Worker worker{io, database, master.server.port(), ours().of("synchrotron1")};
        co_await until([&] { return worker.client.state() == ClientState::kUp; });
        co_await worker.stop();
        co_await master.stop();
    });
}

TEST_CASE("who shows no certificate, or speaks in the clear, gets nowhere", "[replication][tls]") {
    CHECK(!refusal(ours().of("master"), {}).empty());

    asio::io_context io;
    FakeDatabase database;
    LinkLimits limits;
    limits.handshake_ms = 50;
    Master master{io, database, ours().of("master"), limits};
    run(io, [&]() -> Task<void> {
        asio::ssl::context nameless{asio::ssl::context::tls};
        asio::ssl::stream<tcp::socket> stream{io, nameless};
        stream.next_layer().connect({asio::ip::address_v4::loopback(), master.server.port()});
        boost::system::error_code error;
        co_await stream.async_handshake(asio::ssl::stream_base::client,
                                        asio::redirect_error(asio::use_awaitable, error));
        std::string byte(1, '\0');  // in TLS 1.3 the client learns of it when it reads
        if (!error)
            co_await stream.async_read_some(asio::buffer(byte),
                                            asio::redirect_error(asio::use_awaitable, error));
        CHECK_THAT(error.message(), Catch::Contains("certificate required"));

        tcp::socket silent{io};
        silent.connect({asio::ip::address_v4::loopback(), master.server.port()});
        co_await silent.async_read_some(asio::buffer(byte), asio::redirect_error(asio::use_awaitable, error));
        CHECK(error == asio::error::eof);
        CHECK(master.handler.link_status().empty());
        co_await master.stop();
    });
}

TEST_CASE("calls go by TLS, large ones too, and only between processes of the cluster",
          "[replication][tls][rpc]") {
    asio::io_context io;
    Callee callee{io, ours().of("master")};
    Callee impostor{io, ours().of("event_persister1")};
    const auto port = callee.server.port();

    run(io, [&]() -> Task<void> {
        const auto executor = io.get_executor();
        const json::value large{{"text", std::string(3'000'000, 'x')}};
        const auto small = json::parse(R"({"a":1})");
        CHECK(co_await call(executor, port, ours().of("synchrotron1"), small) == R"({"a":1})");
        // Not in the assertion, which would print both.
        const auto large_again = co_await call(executor, port, ours().of("synchrotron1"), large);
        const bool is_same = large_again == json::serialize(large);
        CHECK(is_same);
        const std::string failed = "Failed to talk to master";
        const auto briefly = Callee::echo(kRefusedForMs);
        CHECK(co_await call(executor, port, theirs().of("synchrotron1"), small, briefly) == failed);
        CHECK(co_await call(executor, port, {}, small, briefly) == failed);
        CHECK(co_await call(executor, impostor.server.port(), ours().of("synchrotron1"), small, briefly) ==
              failed);
        co_await callee.stop();
        co_await impostor.stop();
    });
}

TEST_CASE("a kept connection under TLS carries one call after the other", "[replication][tls][rpc]") {
    asio::io_context io;
    Callee callee{io, ours().of("master")};

    run(io, [&]() -> Task<void> {
        core::SystemClock clock;
        RpcClient client{io.get_executor(),
                         clock,
                         {"synchrotron1",
                          {{"master", {"127.0.0.1", callee.server.port(), ""}}},
                          "s3cret",
                          core::make_tls_context(ours().of("synchrotron1"))}};
        for (int i = 0; i < 20; ++i) {
            const json::value body{{"number", i}};
            CHECK(co_await client.call_json(Callee::echo(), "master", {}, body) == body);
        }
        co_await callee.stop();
    });
}

TEST_CASE("certificate files that cannot be used are named", "[tls]") {
    auto config = ours().of("master");
    config.key = theirs().file("master.key");
    CHECK_THROWS_WITH(core::make_tls_context(config), Catch::StartsWith("replication_tls.key: "));
    config.certificate = "/nowhere/master.crt";
    CHECK_THROWS_WITH(core::make_tls_context(config),
                      Catch::StartsWith("replication_tls.certificate: /nowhere/"));
    CHECK(core::make_tls_context({}) == nullptr);
}
