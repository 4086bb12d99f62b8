// weft-loadgen: plays many Matrix clients at once on one thread. It reads a command (a JSON object) from each
// line of standard input, which must be a pipe or a terminal, and answers each with a line of JSON: see
// scenarios.hpp.
#include <cstdio>
#include <exception>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <boost/asio.hpp>
#include <boost/url.hpp>

#include "scenarios.hpp"

namespace weft::loadgen {
namespace {

Server resolve(asio::io_context& io, const std::string& url) {
    const auto parsed = boost::urls::parse_uri(url);
    if (!parsed || parsed->scheme() != "http") throw BenchError{fmt::format("not an http URL: {}", url)};
    const std::string host = parsed->host();
    const std::string port = parsed->has_port() ? std::string{parsed->port()} : "80";
    asio::ip::tcp::resolver resolver{io};
    const auto found = resolver.resolve(host, port);
    return {found.begin()->endpoint(), host + ":" + port};
}

void answer(const json::object& value) {
    fmt::print("{}\n", json::serialize(value));
    std::fflush(stdout);
}

/// Performs the commands until standard input ends or one fails.
Task<void> serve(Scenarios& scenarios) {
    asio::posix::stream_descriptor input{co_await asio::this_coro::executor, ::dup(STDIN_FILENO)};
    std::string buffer;
    for (;;) {
        boost::system::error_code error;
        const auto length = co_await asio::async_read_until(input, asio::dynamic_buffer(buffer), '\n',
                                                            asio::redirect_error(asio::use_awaitable, error));
        if (error) co_return;
        const auto command = json::parse(std::string_view{buffer}.substr(0, length));
        buffer.erase(0, length);
        answer(co_await scenarios.perform(command.as_object()));
    }
}

int run(const std::string& url, const std::string& name) {
    asio::io_context io{1};
    Scenarios scenarios{io.get_executor(), resolve(io, url), name};
    std::exception_ptr failure;
    asio::co_spawn(io, serve(scenarios), [&io, &failure](std::exception_ptr thrown) {
        failure = thrown;
        io.stop();  // pollers have no end of their own
    });
    io.run();
    if (failure) std::rethrow_exception(failure);
    return 0;
}

}  // namespace
}  // namespace weft::loadgen

int main(int argc, char** argv) {
    CLI::App app{"Plays many Matrix clients at once; commands come on standard input."};
    std::string url = "http://127.0.0.1:8008";
    std::string name = "bench";
    app.add_option("--url", url, "The homeserver")->capture_default_str();
    app.add_option("--run", name, "What the names of this run's users begin with")->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    try {
        return weft::loadgen::run(url, name);
    } catch (const std::exception& problem) {
        weft::loadgen::answer({{"error", problem.what()}});
        return 1;
    }
}
