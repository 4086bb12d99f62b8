// How connections and requests end: disconnects, deadlines, limits, shutdown.
#include <catch2/catch.hpp>

#include "http_fixture.hpp"

namespace weft::http {

TEST_CASE("a client that goes away cancels its read", "[http]") {
    ServerFixture fixture;
    auto client = fixture.connect();
    run(fixture.io, client.send(get("/hold")));
    REQUIRE(run_until(fixture.io, [&] { return fixture.holding == 1; }));

    client.close();

    REQUIRE(run_until(fixture.io, [&] { return fixture.cancelled == 1; }));
    CHECK(run_until(fixture.io, [&] { return fixture.server->requests_in_flight() == 0; }));
}

TEST_CASE("a client that goes away leaves its write running", "[http]") {
    ServerFixture fixture;
    auto client = fixture.connect();
    auto witness = fixture.connect();
    run(fixture.io, client.send("PUT /hold HTTP/1.1\r\n\r\n"));
    run(fixture.io, witness.send(get("/hold")));
    REQUIRE(run_until(fixture.io, [&] { return fixture.holding == 2; }));

    client.close();
    witness.close();
    REQUIRE(run_until(fixture.io, [&] { return fixture.cancelled == 1; }));

    CHECK(fixture.holding == 1);
    fixture.release.notify_all();
    REQUIRE(run_until(fixture.io, [&] { return fixture.holding == 0; }));
    CHECK(fixture.cancelled == 1);
}

TEST_CASE("a client that pipelines during a long poll is not taken for gone", "[http]") {
    ServerFixture fixture;
    auto client = fixture.connect();
    auto witness = fixture.connect();
    run(fixture.io, client.send(get("/hold") + get("/hello")));
    run(fixture.io, witness.send(get("/hold")));
    REQUIRE(run_until(fixture.io, [&] { return fixture.holding == 2; }));
    witness.close();
    REQUIRE(run_until(fixture.io, [&] { return fixture.cancelled == 1; }));

    fixture.release.notify_all();

    CHECK(run(fixture.io, client.receive()).body == "\"released\"");
    CHECK(run(fixture.io, client.receive()).body == "{}");
}

TEST_CASE("an endpoint's timeout is answered with 504 and keeps the connection", "[http]") {
    ServerLimits limits;
    limits.idle_timeout_ms = 400;
    ServerFixture fixture{limits};
    auto slow = open_endpoint(Method::kPut, "/slow");
    slow.timeout_ms = 20;
    fixture.router.add(slow, [](Request) -> Task<Response> {
        core::Signal never{co_await asio::this_coro::executor};
        co_await never.wait();
        co_return Response{};
    });
    auto client = fixture.connect();

    CHECK(run(fixture.io, client.exchange("PUT /slow HTTP/1.1\r\n\r\n")).status == 504);
    CHECK(run(fixture.io, client.exchange(get("/hello"))).status == 200);
}

TEST_CASE("idle, header and body timeouts end a connection, with 408 where a request had begun", "[http]") {
    ServerLimits limits;
    limits.idle_timeout_ms = 50;
    limits.header_timeout_ms = 50;
    limits.body_timeout_ms = 50;
    ServerFixture fixture{limits};
    auto idle = fixture.connect();
    auto kept = fixture.connect();
    auto header = fixture.connect();
    auto body = fixture.connect();

    run(fixture.io, kept.exchange(get("/hello")));
    run(fixture.io, header.send("GET /hel"));
    run(fixture.io, body.send("POST /echo HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc"));

    CHECK(run(fixture.io, idle.at_end()));
    CHECK(run(fixture.io, kept.at_end()));
    CHECK(run(fixture.io, header.receive()).status == 408);
    CHECK(run(fixture.io, body.receive()).status == 408);
}

TEST_CASE("an exception in one request harms no other", "[http]") {
    ServerFixture fixture;
    fixture.router.add(open_endpoint(Method::kGet, "/bug"),
                       answers([](const Request&) -> Response { throw std::runtime_error{"detail"}; }));
    auto client = fixture.connect();
    auto other = fixture.connect();
    run(fixture.io, other.send(get("/hold")));

    const auto failed = run(fixture.io, client.exchange(get("/bug")));

    CHECK(failed.status == 500);
    CHECK_FALSE(failed.field("X-Request-Id").empty());
    CHECK(failed.body.find("detail") == std::string::npos);
    CHECK(run(fixture.io, client.exchange(get("/hello"))).status == 200);
    fixture.release.notify_all();
    CHECK(run(fixture.io, other.receive()).status == 200);
}

TEST_CASE("a connection over the limit is turned away, and there is room again when one closes", "[http]") {
    ServerLimits limits;
    limits.connections_max = 1;
    ServerFixture fixture{limits};
    auto first = fixture.connect();
    run(fixture.io, first.exchange(get("/hello")));
    auto second = fixture.connect();

    CHECK(run(fixture.io, second.receive()).status == 503);

    first.close();
    CHECK(run_until(fixture.io, [&] {
        auto third = fixture.connect();
        try {
            return run(fixture.io, third.exchange(get("/hello"))).status == 200;
        } catch (const boost::system::system_error&) {
            return false;  // turned away before it had sent its request
        }
    }));
}

TEST_CASE("a port that is taken is an error that names the address", "[http]") {
    ServerFixture fixture;
    core::ListenerConfig listener;
    listener.port = fixture.server->port();
    Server second{fixture.io.get_executor(), fixture.router, listener, {}};

    CHECK_THROWS_WITH(second.start(), Catch::Contains("127.0.0.1:" + std::to_string(listener.port)));
}

TEST_CASE("stopping lets requests finish, closes what is idle and takes nothing new", "[http]") {
    ServerFixture fixture;
    auto idle = fixture.connect();
    auto busy = fixture.connect();
    run(fixture.io, idle.exchange(get("/hello")));
    run(fixture.io, busy.send(get("/hold") + get("/hello")));
    REQUIRE(run_until(fixture.io, [&] { return fixture.holding == 1; }));
    bool stopped = false;
    asio::co_spawn(fixture.io, fixture.server->stop(10'000), [&](std::exception_ptr) { stopped = true; });

    CHECK(run(fixture.io, idle.at_end()));
    CHECK_FALSE(stopped);
    CHECK_THROWS_AS(fixture.connect(), boost::system::system_error);
    fixture.release.notify_all();
    const auto last = run(fixture.io, busy.receive());

    CHECK(last.body == "\"released\"");
    CHECK(last.field("Connection") == "close");
    CHECK(run_until(fixture.io, [&] { return stopped; }));
    CHECK(fixture.cancelled == 0);
}

TEST_CASE("stopping cancels what has not ended by the deadline and answers it with 503", "[http]") {
    ServerFixture fixture;
    auto read = fixture.connect();
    auto write = fixture.connect();
    auto partial = fixture.connect();
    run(fixture.io, read.send(get("/hold")));
    run(fixture.io, write.send("PUT /hold HTTP/1.1\r\n\r\n"));
    run(fixture.io, partial.send("GET /hel"));
    REQUIRE(run_until(fixture.io, [&] { return fixture.holding == 2; }));

    run(fixture.io, fixture.server->stop(20));

    CHECK(fixture.cancelled == 2);
    CHECK(fixture.server->requests_in_flight() == 0);
    CHECK(run(fixture.io, read.receive()).status == 503);
    CHECK(run(fixture.io, write.receive()).status == 503);
    CHECK(run(fixture.io, partial.at_end()));
}

TEST_CASE("a server may be destroyed while requests run", "[http]") {
    ServerFixture fixture;
    auto client = fixture.connect();
    auto idle = fixture.connect();
    run(fixture.io, client.send(get("/hold")));
    run(fixture.io, idle.exchange(get("/hello")));
    REQUIRE(run_until(fixture.io, [&] { return fixture.holding == 1; }));

    core::ListenerConfig listener;
    fixture.server.emplace(fixture.io.get_executor(), fixture.router, listener, std::vector<std::string>{});

    CHECK(run_until(fixture.io, [&] { return fixture.cancelled == 1; }));
    CHECK(run(fixture.io, idle.at_end()));
}

TEST_CASE("a request's log context is finished and never used after", "[http]") {
    ServerFixture fixture;
    auto client = fixture.connect();
    const auto misuses = core::log_context_misuse_count();

    for (int i = 0; i < 3; ++i) run(fixture.io, client.exchange(get("/hello")));
    run(fixture.io, client.send(get("/hold")));
    REQUIRE(run_until(fixture.io, [&] { return fixture.holding == 1; }));
    fixture.release.notify_all();
    run(fixture.io, client.receive());

    CHECK(core::log_context_misuse_count() == misuses);
}

}  // namespace weft::http
