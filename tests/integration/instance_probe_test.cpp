// Whether a process finds at start that an address in instance_map is wrong.
#include <catch2/catch.hpp>

#include "closed_port.hpp"
#include "instance_probe.hpp"
#include "run_task.hpp"
#include "weft/http/server.hpp"
#include "weft/replication/rpc_endpoints.hpp"

using namespace weft;
using namespace weft::test;
using asio::ip::tcp;

namespace {

constexpr std::int64_t kPatienceMs = 100;

/// A caller, and what it finds at an address.
struct Prober {
    std::optional<std::string> problem_at(std::uint16_t port, const std::string& secret = "s3cret") {
        const core::InstanceAddress address{"127.0.0.1", port, ""};
        replication::RpcClient client{io.get_executor(), clock, {"master", {{"worker1", address}}, secret}};
        return run(io, workers::instance_problem(client, "worker1", address, kPatienceMs));
    }
    void check_problem_at(std::uint16_t port, const std::string& secret = "s3cret") {
        const auto problem = problem_at(port, secret);
        REQUIRE(problem);
        CHECK(problem->starts_with("worker1 does not answer calls at 127.0.0.1:" + std::to_string(port)));
    }

    asio::io_context io;
    core::SystemClock clock;
};

/// A process with an HTTP listener, for calls or for clients.
struct Listening {
    Listening(asio::io_context& io, bool for_calls)
        : rpc{io.get_executor(), clock, router}, server{io.get_executor(), router, core::ListenerConfig{}, {}} {
        if (for_calls) {
            router.set_authenticator(replication::rpc_authenticator("s3cret"));
            rpc.serve_json(replication::kStreamUpdatesRoute, [](auto, auto) -> Task<boost::json::value> {
                throw core::MatrixError::unknown("worker1 does not write the stream caches");
                co_return nullptr;
            });
        }
        server.start();
    }

    core::SystemClock clock;
    http::Router router;
    replication::RpcServer rpc;
    http::Server server;
};

}  // namespace

TEST_CASE("a process that answers calls, be it with a refusal, is no problem", "[instance_probe]") {
    Prober prober;
    Listening worker{prober.io, true};
    CHECK_FALSE(prober.problem_at(worker.server.port()));
    prober.check_problem_at(worker.server.port(), "another secret");
}

TEST_CASE("an address where clients are served, or nobody listens, is a problem", "[instance_probe]") {
    Prober prober;
    Listening worker{prober.io, false};
    prober.check_problem_at(worker.server.port());

    prober.check_problem_at(closed_port(prober.io));
}

TEST_CASE("an address where replication is spoken is a problem", "[instance_probe]") {
    Prober prober;
    tcp::acceptor replication{prober.io, {asio::ip::address_v4::loopback(), 0}};
    const auto serve = [&]() -> Task<void> {
        while (true) {
            auto socket = co_await replication.async_accept(asio::use_awaitable);
            co_await asio::async_write(socket, asio::buffer(std::string_view{"SERVER example.com\n"}), asio::use_awaitable);
        }
    };
    asio::co_spawn(prober.io, serve(), [](std::exception_ptr) {});
    prober.check_problem_at(replication.local_endpoint().port());
}
