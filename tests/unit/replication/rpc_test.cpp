// Calls between processes over real loopback sockets.
#include "weft/replication/rpc.hpp"

#include <catch2/catch.hpp>

#include <unistd.h>

#include "closed_port.hpp"
#include "harness.hpp"
#include "weft/core/metrics.hpp"
#include "weft/http/server.hpp"
#include "weft/replication/rpc_endpoints.hpp"

using namespace weft;
using namespace weft::replication;
using namespace weft::replication::testing;

namespace {

struct Greeting {
    std::string text;
    std::int64_t times = 1;
    friend void tag_invoke(json::value_from_tag, json::value& out, const Greeting& g) {
        out = json::object{{"text", g.text}, {"times", g.times}};
    }
    friend Greeting tag_invoke(json::value_to_tag<Greeting>, const json::value& v) {
        return {json::value_to<std::string>(v.at("text")), v.at("times").to_number<std::int64_t>()};
    }
};

RpcRoute route(const std::string& name, std::vector<std::string> args = {}) {
    RpcRoute out;
    out.name = name;
    out.path_args = std::move(args);
    return out;
}

const RpcEndpoint<Greeting, Greeting> kGreet{route("greet", {"event_id", "room_id"})};

/// A process with an RPC listener.
struct Callee {
    explicit Callee(asio::io_context& io, const std::string& secret = "s3cret",
                    RpcServer::Options options = {}, core::ListenerConfig listener = {})
        : rpc{io.get_executor(), clock, router, options}, server{io.get_executor(), router, listener, {}} {
        router.set_authenticator(rpc_authenticator(secret));
    }
    core::InstanceAddress address() const { return {"127.0.0.1", server.port(), ""}; }
    Task<void> stop() {
        co_await server.stop(100);
        co_await rpc.stop();
    }

    core::ManualClock clock;
    http::Router router;
    RpcServer rpc;
    http::Server server;
};

struct Caller {
    Caller(asio::io_context& io, std::map<std::string, core::InstanceAddress> map,
           const std::string& secret = "s3cret")
        : client{io.get_executor(), clock, {"worker1", std::move(map), secret}} {}
    core::SystemClock clock;
    RpcClient client;
};

/// What a call throws.
Task<std::optional<core::MatrixError>> failure_of(Task<json::value> call) {
    try {
        co_await std::move(call);
    } catch (const core::MatrixError& error) {
        co_return error;
    }
    co_return std::nullopt;
}

http::ClientRequest raw_post(const std::string& target) {
    http::ClientRequest request;
    request.method = http::Method::kPost;
    request.target = target;
    request.body = "{}";
    request.headers.set("Content-Type", "application/json");
    request.headers.set("Authorization", "Bearer s3cret");
    return request;
}

}  // namespace

TEST_CASE("a typed call arrives with its arguments and brings the answer back", "[replication][rpc]") {
    asio::io_context io;
    Callee callee{io};
    callee.rpc.serve(kGreet, std::function{[](RpcArgs args, Greeting g) -> Task<Greeting> {
                         co_return Greeting{g.text + "|" + args.at(0) + "|" + args.at(1), g.times + 1};
                     }});

    run(io, [&]() -> Task<void> {
        callee.server.start();
        Caller caller{io, {{"master", callee.address()}}};
        RpcArgs args{"$Xq3/é %:h", "!r:example.com"};
        Greeting greeting{"hi \xF0\x9F\x98\x80", 9'007'199'254'740'993};
        const auto answer = co_await caller.client.call(kGreet, "master", args, greeting);
        CHECK(answer.text == "hi \xF0\x9F\x98\x80|$Xq3/é %:h|!r:example.com");
        CHECK(answer.times == 9'007'199'254'740'994);
        co_await callee.stop();
    });
}

TEST_CASE("Matrix errors cross a call unchanged", "[replication][rpc]") {
    asio::io_context io;
    Callee callee{io};
    callee.rpc.serve_json(route("limit"), [](RpcArgs, json::value) -> Task<json::value> {
        throw core::MatrixError::limit_exceeded(1'234);
        co_return nullptr;
    });
    callee.rpc.serve_json(route("uia"), [](RpcArgs, json::value) -> Task<json::value> {
        core::MatrixError error{401, "", ""};
        error.fields["session"] = "abc";
        throw error;
        co_return nullptr;
    });
    callee.rpc.serve_json(route("broken"), [](RpcArgs, json::value) -> Task<json::value> {
        throw std::runtime_error{"a secret detail"};
        co_return nullptr;
    });
    callee.rpc.serve_json(route("nothing"),
                          [](RpcArgs, json::value) -> Task<json::value> { co_return nullptr; });

    run(io, [&]() -> Task<void> {
        callee.server.start();
        Caller caller{io, {{"master", callee.address()}}};
        const auto limit =
            co_await failure_of(caller.client.call_json(route("limit"), "master", {}, json::object{}));
        REQUIRE(limit);
        CHECK(limit->http_status == 429);
        CHECK(limit->errcode == "M_LIMIT_EXCEEDED");
        CHECK(limit->fields.at("retry_after_ms").as_int64() == 1'234);

        const auto uia =
            co_await failure_of(caller.client.call_json(route("uia"), "master", {}, json::object{}));
        REQUIRE(uia);
        CHECK(uia->http_status == 401);
        CHECK(uia->errcode.empty());
        CHECK(uia->fields.at("session").as_string() == "abc");

        const auto broken =
            co_await failure_of(caller.client.call_json(route("broken"), "master", {}, json::object{}));
        REQUIRE(broken);
        CHECK(broken->http_status == 500);
        CHECK(std::string{broken->what()}.find("secret") == std::string::npos);

        CHECK((co_await caller.client.call_json(route("nothing"), "master", {}, json::object{})).is_null());
        co_await callee.stop();
    });
}

TEST_CASE("a request of the wrong shape is the caller's mistake", "[replication][rpc]") {
    asio::io_context io;
    Callee callee{io};
    callee.rpc.serve(kGreet, std::function{[](RpcArgs, Greeting g) -> Task<Greeting> { co_return g; }});

    run(io, [&]() -> Task<void> {
        callee.server.start();
        Caller caller{io, {{"master", callee.address()}}};
        const auto error = co_await failure_of(
            caller.client.call_json(kGreet.route, "master", {"a", "b"}, json::object{{"text", 5}}));
        REQUIRE(error);
        CHECK(error->http_status == 400);
        CHECK(error->errcode == "M_BAD_JSON");
        co_await callee.stop();
    });
}

TEST_CASE("a call with an ID that was answered is not run again, one that failed is", "[replication][rpc]") {
    asio::io_context io;
    RpcServer::Options options;
    options.answers_kept_ms = 1'000;
    Callee callee{io, "s3cret", options};
    int runs = 0;
    callee.rpc.serve_json(route("count"), [&](RpcArgs, json::value) -> Task<json::value> {
        if (++runs == 1) throw core::MatrixError::forbidden("not yet");
        co_return json::object{{"runs", runs}};
    });

    run(io, [&]() -> Task<void> {
        callee.server.start();
        http::Client client{io.get_executor()};
        const auto request = raw_post("/_synapse/replication/count/SameSameId");
        CHECK((co_await client.send(callee.address(), request)).status == 403);
        CHECK((co_await client.send(callee.address(), request)).body == R"({"runs":2})");
        CHECK((co_await client.send(callee.address(), request)).body == R"({"runs":2})");
        CHECK(
            (co_await client.send(callee.address(), raw_post("/_synapse/replication/count/OtherId"))).body ==
            R"({"runs":3})");
        callee.clock.advance(core::Milliseconds{1'000});
        CHECK((co_await client.send(callee.address(), request)).body == R"({"runs":4})");
        co_await callee.stop();
    });
}

TEST_CASE("kept answers are bounded", "[replication][rpc]") {
    asio::io_context io;
    RpcServer::Options options;
    options.answers_max = 2;
    Callee callee{io, "s3cret", options};
    int runs = 0;
    callee.rpc.serve_json(route("count"),
                          [&](RpcArgs, json::value) -> Task<json::value> { co_return ++runs; });

    run(io, [&]() -> Task<void> {
        callee.server.start();
        http::Client client{io.get_executor()};
        for (const char* id : {"A", "B", "C"}) {
            co_await client.send(callee.address(),
                                 raw_post(std::string{"/_synapse/replication/count/"} + id));
        }
        CHECK((co_await client.send(callee.address(), raw_post("/_synapse/replication/count/C"))).body ==
              "3");
        CHECK((co_await client.send(callee.address(), raw_post("/_synapse/replication/count/A"))).body ==
              "4");
        co_await callee.stop();
    });
}

TEST_CASE("a caller that loses patience repeats the call and gets the answer of the first",
          "[replication][rpc]") {
    asio::io_context io;
    Callee callee{io};
    int runs = 0;
    core::Signal proceed{io.get_executor()};
    callee.rpc.serve_json(route("slow"), [&](RpcArgs, json::value) -> Task<json::value> {
        ++runs;
        co_await proceed.wait();
        co_return json::object{{"runs", runs}};
    });
    auto impatient = route("slow");
    impatient.timeout_ms = 50;
    impatient.deadline_ms = 10'000;

    run(io, [&]() -> Task<void> {
        callee.server.start();
        Caller caller{io, {{"master", callee.address()}}};
        asio::co_spawn(
            io,
            [&]() -> Task<void> {
                const auto attempts = core::counter("weft_replication_rpc_requests_total",
                                                    "Calls to other processes, attempts counted",
                                                    {{"name", "slow"}, {"instance", "master"}});
                co_await until([&] { return attempts.value() >= 2; });
                proceed.notify_all();
            },
            [](std::exception_ptr) {});
        const auto answer = co_await caller.client.call_json(impatient, "master", {}, json::object{});
        CHECK(answer.at("runs").as_int64() == 1);
        CHECK(runs == 1);
        co_await callee.stop();
    });
}

TEST_CASE("a process that cannot be reached is an error within the deadline", "[replication][rpc]") {
    asio::io_context io;
    const auto port = test::closed_port(io);
    Caller caller{io, {{"master", {"127.0.0.1", port, ""}}}};
    auto brief = route("anything");
    brief.deadline_ms = 100;

    run(io, [&]() -> Task<void> {
        const auto refused =
            co_await failure_of(caller.client.call_json(brief, "master", {}, json::object{}));
        REQUIRE(refused);
        CHECK(refused->http_status == 502);
        const auto unknown =
            co_await failure_of(caller.client.call_json(brief, "nobody", {}, json::object{}));
        REQUIRE(unknown);
        CHECK(std::string{unknown->what()}.find("nobody") != std::string::npos);
        CHECK_THROWS_AS(co_await caller.client.call_json(brief, "worker1", {}, json::object{}),
                        std::logic_error);
    });
}

TEST_CASE("a process that comes back within the deadline is called after all", "[replication][rpc]") {
    asio::io_context io;
    core::ListenerConfig listener;
    listener.port = test::closed_port(io);
    Callee callee{io, "s3cret", {}, listener};
    callee.rpc.serve_json(route("late"), [](RpcArgs, json::value) -> Task<json::value> { co_return 1; });
    const auto attempts =
        core::counter("weft_replication_rpc_requests_total", "Calls to other processes, attempts counted",
                      {{"name", "late"}, {"instance", "master"}});

    run(io, [&]() -> Task<void> {
        Caller caller{io, {{"master", {"127.0.0.1", listener.port, ""}}}};
        asio::co_spawn(
            io,
            [&]() -> Task<void> {
                co_await until([&] { return attempts.value() >= 2; });
                callee.server.start();
            },
            [](std::exception_ptr) {});
        CHECK((co_await caller.client.call_json(route("late"), "master", {}, json::object{})).as_int64() ==
              1);
        CHECK(attempts.value() >= 3);
        co_await callee.stop();
    });
}

TEST_CASE("a call of a process that is away ends when another one is responsible", "[replication][rpc]") {
    asio::io_context io;
    const auto port = test::closed_port(io);
    Caller caller{io, {{"master", {"127.0.0.1", port, ""}}}};
    int asked = 0;
    RpcCallOptions options;
    options.is_superseded = [&] { return ++asked == 3; };

    run(io, [&]() -> Task<void> {
        auto call = caller.client.call_json(route("moved"), "master", {}, json::object{}, options);
        CHECK_THROWS_AS(co_await std::move(call), RpcSuperseded);
    });
    CHECK(asked == 3);
}

TEST_CASE("a process that comes back at another address is found there", "[replication][rpc]") {
    asio::io_context io;
    const auto port = test::closed_port(io);
    Callee callee{io};
    callee.rpc.serve_json(route("anew"), [](RpcArgs, json::value) -> Task<json::value> { co_return 1; });

    run(io, [&]() -> Task<void> {
        callee.server.start();
        Caller caller{io, {{"master", {"127.0.0.1", port, ""}}}};
        RpcCallOptions options;
        options.is_superseded = [&] {
            caller.client.set_address("master", callee.address());
            return false;
        };
        auto call = caller.client.call_json(route("anew"), "master", {}, json::object{}, options);
        CHECK((co_await std::move(call)).as_int64() == 1);
        co_await callee.stop();
    });
}

TEST_CASE("nobody gets in without the secret", "[replication][rpc]") {
    asio::io_context io;
    Callee callee{io};
    Callee open_to_nobody{io, ""};
    for (auto* one : {&callee, &open_to_nobody}) {
        one->rpc.serve_json(route("x"), [](RpcArgs, json::value) -> Task<json::value> { co_return 1; });
    }

    run(io, [&]() -> Task<void> {
        callee.server.start();
        open_to_nobody.server.start();
        Caller wrong{io, {{"master", callee.address()}}, "guess"};
        const auto error =
            co_await failure_of(wrong.client.call_json(route("x"), "master", {}, json::object{}));
        REQUIRE(error);
        CHECK(error->http_status ==
              502);  // never a 401 or 403: the client would think his own token was meant
        Caller none{io, {{"master", open_to_nobody.address()}}, ""};
        CHECK(co_await failure_of(none.client.call_json(route("x"), "master", {}, json::object{})));
        Caller right{io, {{"master", callee.address()}}};
        CHECK((co_await right.client.call_json(route("x"), "master", {}, json::object{})).as_int64() == 1);
        co_await callee.stop();
        co_await open_to_nobody.stop();
    });
}

TEST_CASE("processes of this machine may go without the secret where that is allowed, others not",
          "[replication][rpc]") {
    asio::io_context io;
    core::ListenerConfig on_unix;
    on_unix.path = fmt::format("/tmp/weft_rpc_test_{}.sock", ::getpid());
    Callee by_tcp{io};
    Callee by_unix{io, "s3cret", {}, on_unix};
    for (auto* one : {&by_tcp, &by_unix}) {
        one->router.set_authenticator(rpc_authenticator("s3cret", UnauthenticatedRpc::kThisMachine));
        one->rpc.serve_json(route("x"), [](RpcArgs, json::value) -> Task<json::value> { co_return 1; });
    }

    run(io, [&]() -> Task<void> {
        by_tcp.server.start();
        by_unix.server.start();
        Caller caller{io, {{"tcp", by_tcp.address()}, {"unix", {"", 0, on_unix.path}}}, ""};
        for (const char* instance : {"tcp", "unix"}) {
            CHECK((co_await caller.client.call_json(route("x"), instance, {}, json::object{})).as_int64() ==
                  1);
        }
        Caller wrong{io, {{"tcp", by_tcp.address()}}, "guess"};
        CHECK(co_await failure_of(wrong.client.call_json(route("x"), "tcp", {}, json::object{})));

        const auto authenticate = rpc_authenticator("s3cret", UnauthenticatedRpc::kThisMachine);
        http::Request request;
        for (const char* address : {"10.0.0.1", "2001:db8::1", "", "127.0.0.1.example.org"}) {
            request.remote_address = address;
            bool is_refused = false;
            try {
                co_await authenticate(request, http::Auth::kReplication);
            } catch (const core::MatrixError&) {
                is_refused = true;
            }
            CHECK(is_refused);
        }
        co_await by_tcp.stop();
        co_await by_unix.stop();
    });
}

TEST_CASE("a listener without RPC is no answer for a client", "[replication][rpc]") {
    asio::io_context io;
    Callee callee{io};

    run(io, [&]() -> Task<void> {
        callee.server.start();
        Caller caller{io, {{"master", callee.address()}}};
        const auto error =
            co_await failure_of(caller.client.call_json(route("x"), "master", {}, json::object{}));
        REQUIRE(error);
        CHECK(error->http_status == 502);
        co_await callee.stop();
    });
}

TEST_CASE("rows of a stream in memory are fetched from its writer", "[replication][rpc]") {
    asio::io_context io;
    FakeDatabase memory;  // of the master alone: the worker reads by RPC
    FakeDatabase empty;
    Callee callee{io};
    core::SystemClock clock;
    FakeProcess master{memory, "master"};
    ReplicationCommandHandler master_handler{io.get_executor(), clock, handler_options("master")};
    master_handler.add_stream(master.stream("typing", {"master"}));
    for (int i = 1; i <= 250; ++i) master.write(master_handler, "typing", i, {i});
    serve_stream_updates(callee.rpc, master_handler);

    run(io, [&]() -> Task<void> {
        callee.server.start();
        Caller caller{io, {{"master", callee.address()}}};

        http::Client client{io.get_executor()};
        auto raw = raw_post(
            "/_synapse/replication/get_repl_stream_updates/typing/QwErTyUiOp?from_token=248&upto_token=250");
        raw.method = http::Method::kGet;
        raw.body.clear();
        CHECK((co_await client.send(callee.address(), raw)).body ==
              R"({"updates":[[249,[249]],[250,[250]]],"upto_token":250,"limited":false})");
        raw.target =
            "/_synapse/replication/get_repl_stream_updates/nonsense/QwErTyUiOp?from_token=0&upto_token=1";
        CHECK((co_await client.send(callee.address(), raw)).status == 400);
        raw.target = "/_synapse/replication/get_repl_stream_updates/typing/x1?from_token=0x&upto_token=1";
        CHECK((co_await client.send(callee.address(), raw)).status == 400);

        const auto updates = updates_by_rpc(caller.client, "typing");
        const auto page = co_await updates("master", 0, 250, 1'000);
        CHECK(page.limited);
        CHECK(page.upto == 100);
        CHECK(page.rows.size() == 100);

        // The whole way: POSITION, pages by RPC, applied.
        FakeProcess worker{empty, "synchrotron1"};
        ReplicationCommandHandler handler{io.get_executor(), clock, handler_options("synchrotron1")};
        StreamBindings bindings;
        bindings.current_token = [&](const std::string& i) { return worker.position({"typing", i}); };
        bindings.updates = updates;
        bindings.apply = [&](const std::string& i, std::int64_t token, const Rows& rows) {
            for (const auto& row : rows)
                worker.applied[{"typing", i}].emplace_back(token, row.at(0).as_int64());
            worker.positions[{"typing", i}] = token;
        };
        bindings.advance = [&](const std::string& i, std::int64_t token) {
            worker.positions[{"typing", i}] = token;
        };
        handler.add_stream({"typing", {"master"}, std::move(bindings)});
        struct NoLink final : Link {
            LinkId id() const override { return 1; }
            std::string peer_name() const override { return "master"; }
            void send_line(std::string) override {}
            void wake() override {}
            void subscribe(std::set<std::string>) override {}
            void on_caught_up() override {}
        };
        handler.link_opened(std::make_shared<NoLink>(), true);
        REQUIRE(handler.on_command(1, proto::replication::Position{"typing", "master", std::nullopt, 250}, "")
                    .has_value());
        CHECK(co_await handler.wait_until_caught_up(5s));
        CHECK(worker.applied[{"typing", "master"}].size() == 250);
        co_await handler.stop();
        co_await callee.stop();
    });
}

TEST_CASE("a client's request runs at another process as if it had come there", "[replication][rpc]") {
    asio::io_context io;
    Callee callee{io};
    http::Router clients;
    int runs = 0;
    clients.set_authenticator([](const http::Request& request, http::Auth) -> Task<http::Requester> {
        if (request.headers.get("Authorization") != "Bearer token") throw core::MatrixError::unknown_token();
        http::Requester requester;
        requester.user_id = "@alice:h";
        co_return requester;
    });
    http::Endpoint endpoint;
    endpoint.method = http::Method::kPut;
    endpoint.paths = {"/_matrix/client/v3/thing/{thingId}"};
    endpoint.operation = "thing";
    clients.add(endpoint, [&](http::Request request) -> Task<http::Response> {
        ++runs;
        http::Response response{
            418, fmt::format("{}|{}|{}|{}|{}", request.requester->user_id, request.param("thingId"),
                             *request.query_param("q"), request.body, request.remote_address)};
        response.content_type = "text/plain";
        response.headers.set("X-Thing", "yes");
        co_return response;
    });
    serve_forward(callee.rpc, clients);

    run(io, [&]() -> Task<void> {
        callee.server.start();
        Caller caller{io, {{"master", callee.address()}}};
        http::Request request;
        request.method = http::Method::kPut;
        request.target = "/_matrix/client/v3/thing/a%2Fb?q=1%202";
        request.headers.set("Authorization", "Bearer token");
        request.body = "bytes \xff\x01";
        request.remote_address = "192.0.2.7";
        const auto response = co_await forward(caller.client, "master", request);
        CHECK(response.status == 418);
        CHECK(response.body == "@alice:h|a/b|1 2|bytes \xff\x01|192.0.2.7");
        CHECK(response.content_type == "text/plain");
        CHECK(response.headers.get("X-Thing") == "yes");
        CHECK(runs == 1);

        request.headers.set("Authorization", "Bearer stolen");
        const auto refused = co_await forward(caller.client, "master", request);
        CHECK(refused.status == 401);
        CHECK(json::parse(refused.body).at("errcode").as_string() == "M_UNKNOWN_TOKEN");
        co_await callee.stop();
    });
}
