#include "relay_load.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <vector>

#include <fmt/format.h>
#include <boost/asio.hpp>

#include "cpu_time.hpp"
#include "weft/core/task.hpp"

namespace weft::bench {
namespace {

using asio::ip::tcp;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kChannel = "bench.example.com";
constexpr std::string_view kRow = "RDATA ";
constexpr std::chrono::seconds kPatience{60};

/// Readers end with their sockets, however that comes about.
constexpr auto kUntilStopped = [](const std::exception_ptr&) {};

double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// Counts the lines that begin with `RDATA `, however they are cut into pieces.
class LineCounter {
public:
    void feed(std::string_view bytes) {
        while (!bytes.empty()) {
            while (seen_ < kRow.size() && !bytes.empty() && bytes.front() != '\n') {
                is_row_ = is_row_ && bytes.front() == kRow[seen_];
                ++seen_;
                bytes.remove_prefix(1);
            }
            const auto* at = static_cast<const char*>(std::memchr(bytes.data(), '\n', bytes.size()));
            if (at == nullptr) return;
            if (is_row_ && seen_ == kRow.size()) ++rows_;
            seen_ = 0;
            is_row_ = true;
            bytes.remove_prefix(static_cast<std::size_t>(at - bytes.data()) + 1);
        }
    }
    std::int64_t rows() const { return rows_; }

private:
    std::size_t seen_ = 0;
    bool is_row_ = true;
    std::int64_t rows_ = 0;
};

std::string weft_line(std::int64_t token, std::size_t bytes) {
    auto line = fmt::format("RDATA caches bench_writer {} [\"get_user_by_id\", [\"@", token);
    const std::string_view end = ":example.com\"], 1700000000000]\n";
    if (line.size() + end.size() > bytes) throw std::invalid_argument{"lines are too short for a row"};
    line.append(bytes - line.size() - end.size(), 'u');
    line += end;
    return line;
}

class Measurement {
public:
    explicit Measurement(const RelayLoad& load) : load_{load}, progress_{io_}, writer_{io_} {
        progress_.expires_at(Clock::time_point::max());
    }

    boost::json::object run() {
        std::exception_ptr failure;
        asio::co_spawn(io_, measure(), [&](std::exception_ptr thrown) {
            failure = thrown;
            io_.stop();
        });
        io_.run();
        if (failure) std::rethrow_exception(failure);
        return {{"lines", load_.lines},
                {"delivered", delivered_},
                {"seconds", seconds_},
                {"cpu_us", static_cast<double>(cpu_ns_) / 1000}};
    }

private:
    struct Subscriber {
        explicit Subscriber(asio::io_context& io) : socket{io}, buffer(256 * 1024, '\0') {}
        tcp::socket socket;
        std::string buffer;
        LineCounter counter;
    };

    bool is_redis() const { return load_.relay == Relay::kRedis; }

    Task<void> measure() {
        const tcp::endpoint endpoint{asio::ip::address_v4::loopback(), load_.port};
        for (std::size_t i = 0; i < load_.subscribers; ++i) {
            auto subscriber = std::make_unique<Subscriber>(io_);
            co_await subscriber->socket.async_connect(endpoint, asio::use_awaitable);
            const auto hello = is_redis() ? fmt::format("SUBSCRIBE {}\r\n", kChannel)
                                          : fmt::format("NAME bench_reader{}\nREPLICATE\n", i + 1);
            co_await asio::async_write(subscriber->socket, asio::buffer(hello), asio::use_awaitable);
            asio::co_spawn(io_, receive(*subscriber), kUntilStopped);
            subscribers_.push_back(std::move(subscriber));
        }
        co_await writer_.async_connect(endpoint, asio::use_awaitable);
        writer_.set_option(tcp::no_delay{true});
        asio::co_spawn(io_, discard(), kUntilStopped);
        if (!is_redis()) {
            const auto hello =
                fmt::format("NAME bench_writer\nPOSITION caches bench_writer {}\n", load_.first_token - 1);
            co_await asio::async_write(writer_, asio::buffer(hello), asio::use_awaitable);
        }
        // What follows must not be dropped because a subscription or the position is still under way.
        asio::steady_timer settle{io_, std::chrono::milliseconds{300}};
        co_await settle.async_wait(asio::use_awaitable);
        co_await send(std::min<std::int64_t>(load_.lines / 10 + 1, load_.window));

        const auto cpu = cpu_time_ns(load_.pid);
        const auto begin = Clock::now();
        const auto before = slowest();
        co_await send(load_.lines);
        seconds_ = seconds_since(begin);
        cpu_ns_ = cpu_time_ns(load_.pid) - cpu;
        delivered_ = (slowest() - before) * static_cast<std::int64_t>(load_.subscribers);
    }

    /// Sends `count` lines and returns when everybody has them.
    Task<void> send(std::int64_t count) {
        const auto last = sent_ + count;
        const auto first = sent_;
        const auto begin = Clock::now();
        std::string out;
        while (sent_ < last) {
            auto most = std::min(last, slowest() + load_.window);
            if (load_.rate > 0) {
                most =
                    std::min(most, first + static_cast<std::int64_t>(seconds_since(begin) * load_.rate) + 1);
            }
            if (sent_ >= most) {
                co_await wait(load_.rate > 0 ? Clock::duration{std::chrono::milliseconds{1}} : kPatience);
                continue;
            }
            out.clear();
            for (; sent_ < most && out.size() < 64 * 1024; ++sent_) append_line(out);
            co_await asio::async_write(writer_, asio::buffer(out), asio::use_awaitable);
        }
        while (slowest() < last) co_await wait(kPatience);
    }

    void append_line(std::string& out) const {
        const auto line = weft_line(load_.first_token + sent_, load_.line_bytes);
        if (!is_redis()) {
            out += line;
            return;
        }
        out += fmt::format("*3\r\n$7\r\nPUBLISH\r\n${}\r\n{}\r\n${}\r\n{}\r\n", kChannel.size(), kChannel,
                           line.size() - 1, std::string_view{line}.substr(0, line.size() - 1));
    }

    std::int64_t slowest() const {
        auto least = std::numeric_limits<std::int64_t>::max();
        for (const auto& subscriber : subscribers_) least = std::min(least, subscriber->counter.rows());
        return least;
    }

    /// Until a subscriber has received something.
    Task<void> wait(Clock::duration longest) {
        progress_.expires_after(longest);
        boost::system::error_code error;
        co_await progress_.async_wait(asio::redirect_error(asio::use_awaitable, error));
        if (!error && longest >= kPatience) {
            throw std::runtime_error{fmt::format("of {} lines {} arrived", sent_, slowest())};
        }
    }

    Task<void> receive(Subscriber& subscriber) {
        while (true) {
            const auto count = co_await subscriber.socket.async_read_some(asio::buffer(subscriber.buffer),
                                                                          asio::use_awaitable);
            subscriber.counter.feed({subscriber.buffer.data(), count});
            if (load_.rate == 0 || slowest() == sent_) progress_.cancel();
        }
    }

    /// Answers to PUBLISH, positions and pings.
    Task<void> discard() {
        std::string buffer(64 * 1024, '\0');
        while (true) co_await writer_.async_read_some(asio::buffer(buffer), asio::use_awaitable);
    }

    RelayLoad load_;
    asio::io_context io_{1};
    asio::steady_timer progress_;
    tcp::socket writer_;
    std::vector<std::unique_ptr<Subscriber>> subscribers_;
    std::int64_t sent_ = 0;
    std::int64_t delivered_ = 0;
    double seconds_ = 0;
    std::int64_t cpu_ns_ = 0;
};

}  // namespace

boost::json::object measure_relay(const RelayLoad& load) {
    return Measurement{load}.run();
}

}  // namespace weft::bench
