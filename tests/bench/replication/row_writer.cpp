#include "row_writer.hpp"

#include <chrono>
#include <map>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>
#include <boost/asio.hpp>
#include <boost/json/array.hpp>

#include "cpu_time.hpp"

namespace weft::bench {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;

/// A row as the stream's writers send it; `n` makes it different from all others.
std::string row(const std::string& stream, std::int64_t n) {
    if (stream == "events") {
        return fmt::format(
            R"(["ev", ["$event{}:example.com", "!room{}:example.com", "m.room.message", null, null, null]])",
            n, n % 100);
    }
    if (stream == "caches")
        return fmt::format(R"(["get_user_by_id", ["@user{}:example.com"], 1700000000000])", n);
    if (stream == "receipts") {
        return fmt::format(
            R"(["!room{0}:example.com", "m.read", "@user{1}:example.com", "$event{1}:example.com", {{"ts": 1700000000000}}])",
            n % 100, n);
    }
    if (stream == "presence") {
        return fmt::format(
            R"(["@user{}:example.com", "online", 1700000000000, 1700000000000, 1700000000000, null, true])",
            n);
    }
    if (stream == "account_data") return fmt::format(R"(["@user{}:example.com", null, "m.push_rules"])", n);
    if (stream == "to_device" || stream == "device_lists" || stream == "push_rules") {
        return fmt::format(R"(["@user{}:example.com"])", n);
    }
    throw std::invalid_argument{"no rows for the stream " + stream};
}

/// Until none of the processes uses the CPU any more.
std::vector<std::int64_t> wait_until_idle(const std::vector<int>& pids) {
    std::vector<std::int64_t> last(pids.size(), -1);
    for (int i = 0; i < 300; ++i) {
        bool busy = false;
        for (std::size_t at = 0; at < pids.size(); ++at) {
            const auto now = cpu_time_ns(pids[at]);
            busy = busy || now - last[at] > 1'000'000;
            last[at] = now;
        }
        if (!busy) return last;
        std::this_thread::sleep_for(std::chrono::milliseconds{100});
    }
    throw std::runtime_error{"the processes do not become idle"};
}

}  // namespace

boost::json::object send_rows(const RowLoad& load) {
    asio::io_context io;
    tcp::socket socket{io};
    socket.connect({asio::ip::address_v4::loopback(), load.port});
    socket.set_option(tcp::no_delay{true});
    std::string out = "NAME bench_writer\n";
    for (const auto& stream : load.streams) {
        out += fmt::format("POSITION {} bench_writer {}\n", stream, load.first_token - 1);
    }
    asio::write(socket, asio::buffer(out));
    std::this_thread::sleep_for(std::chrono::milliseconds{300});  // the processes look for missed rows

    auto before = wait_until_idle(load.pids);
    const auto begin = Clock::now();
    std::map<std::string, std::int64_t> tokens;
    std::int64_t sent = 0;
    while (sent < load.rows) {
        const auto elapsed = std::chrono::duration<double>(Clock::now() - begin).count();
        const auto due = std::min(load.rows, static_cast<std::int64_t>(elapsed * load.rate) + 1);
        out.clear();
        for (; sent < due; ++sent) {
            const auto& stream = load.streams[static_cast<std::size_t>(sent) % load.streams.size()];
            const auto token = load.first_token + tokens[stream]++;
            out += fmt::format("RDATA {} bench_writer {} {}\n", stream, token, row(stream, token));
        }
        if (!out.empty()) asio::write(socket, asio::buffer(out));
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
    const auto seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    const auto after = wait_until_idle(load.pids);
    boost::json::array cpu;
    for (std::size_t i = 0; i < after.size(); ++i)
        cpu.push_back(static_cast<double>(after[i] - before[i]) / 1000);
    return {{"rows", sent}, {"seconds", seconds}, {"cpu_us", std::move(cpu)}};
}

}  // namespace weft::bench
