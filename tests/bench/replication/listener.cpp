#include "listener.hpp"

#include <cstdio>

#include <unistd.h>

#include <fmt/format.h>
#include <boost/asio.hpp>

#include "weft/replication/tcp_client.hpp"

namespace weft::bench {
namespace {

/// Positions only grow; what the rows mean is not this process's business.
replication::Stream stream_of(const std::string& name, std::map<std::string, std::int64_t>& positions) {
    replication::StreamBindings bindings;
    bindings.current_token = [&positions, name](const std::string&) { return positions[name]; };
    bindings.updates = [](std::string, std::int64_t, std::int64_t upto,
                          std::size_t) -> Task<replication::Updates> {
        co_return replication::Updates{{}, upto, false};
    };
    bindings.apply = [&positions, name](const std::string&, std::int64_t token, const replication::Rows&) {
        positions[name] = token;
    };
    bindings.advance = [&positions, name](const std::string&, std::int64_t token) {
        positions[name] = token;
    };
    return {name, {"master"}, std::move(bindings)};
}

}  // namespace

void listen_to(std::uint16_t port, const std::string& server_name, const std::vector<std::string>& streams) {
    asio::io_context io{1};
    core::SystemClock clock;
    std::map<std::string, std::int64_t> positions;
    replication::ReplicationCommandHandler::Options options;
    options.instance_name = "bench_listener";
    options.instance_id = "bench";
    options.subscriptions = streams;
    replication::ReplicationCommandHandler handler{io.get_executor(), clock, std::move(options)};
    for (const auto& stream : proto::replication::kStreams) {
        handler.add_stream(stream_of(std::string{stream.name}, positions));
    }
    replication::TcpClient::Options with;
    with.server_name = server_name;
    with.address = {"127.0.0.1", port, ""};
    replication::TcpClient client{io.get_executor(), handler, std::move(with)};

    asio::posix::stream_descriptor input{io, ::dup(STDIN_FILENO)};
    std::exception_ptr failure;
    const auto live = [&]() -> Task<void> {
        client.start();
        if (!co_await handler.wait_until_caught_up(core::Milliseconds{10'000})) {
            throw std::runtime_error{"did not catch up: " + client.last_error()};
        }
        fmt::print("{{\"state\": \"up\"}}\n");
        std::fflush(stdout);
        char unread = 0;
        boost::system::error_code ended;
        co_await input.async_read_some(asio::buffer(&unread, 1),
                                       asio::redirect_error(asio::use_awaitable, ended));
        co_await client.stop(1'000);
        co_await handler.stop();
    };
    asio::co_spawn(io, live, [&](std::exception_ptr thrown) {
        failure = thrown;
        io.stop();
    });
    io.run();
    if (failure) std::rethrow_exception(failure);
}

}  // namespace weft::bench
