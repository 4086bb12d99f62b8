#include "relay_server.hpp"

#include <cstdio>

#include <unistd.h>

#include <fmt/format.h>
#include <boost/asio.hpp>

#include "weft/replication/tcp_server.hpp"

namespace weft::bench {
namespace {

replication::ReplicationCommandHandler::Options options() {
    replication::ReplicationCommandHandler::Options out;
    out.instance_name = "master";
    out.instance_id = "bench";
    out.relays = true;
    out.subscriptions = {"events"};  // not what is written
    return out;
}

}  // namespace

void serve_relay() {
    asio::io_context io{1};
    core::SystemClock clock;
    replication::ReplicationCommandHandler handler{io.get_executor(), clock, options()};
    replication::StreamBindings bindings;
    bindings.current_token = [](const std::string&) { return std::int64_t{0}; };
    bindings.updates = [](std::string, std::int64_t, std::int64_t upto,
                          std::size_t) -> Task<replication::Updates> {
        co_return replication::Updates{{}, upto, false};
    };
    bindings.apply = [](const std::string&, std::int64_t, const replication::Rows&) {};
    bindings.advance = [](const std::string&, std::int64_t) {};
    handler.add_stream(replication::Stream{"caches", {"master"}, std::move(bindings)});
    core::ListenerConfig listener;
    replication::TcpServer server{io.get_executor(), handler, "bench.example.com", listener};
    server.start();
    fmt::print("{{\"port\": {}}}\n", server.port());
    std::fflush(stdout);

    asio::posix::stream_descriptor input{io, ::dup(STDIN_FILENO)};
    char unread = 0;
    std::exception_ptr failure;
    const auto serve = [&]() -> Task<void> {
        boost::system::error_code ended;
        co_await input.async_read_some(asio::buffer(&unread, 1),
                                       asio::redirect_error(asio::use_awaitable, ended));
        co_await server.stop(1'000);
        co_await handler.stop();
    };
    asio::co_spawn(io, serve, [&](std::exception_ptr thrown) {
        failure = thrown;
        io.stop();
    });
    io.run();
    if (failure) std::rethrow_exception(failure);
}

}  // namespace weft::bench
