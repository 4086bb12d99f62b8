#pragma once

#include <optional>
#include <string>

#include <boost/asio.hpp>

#include "weft/core/task.hpp"

namespace weft::replication::testing {

/// The other end of a connection, which speaks lines by hand.
class RawPeer {
public:
    using tcp = asio::ip::tcp;

    RawPeer(asio::io_context& io, std::uint16_t port) : socket_{io} {
        socket_.connect({asio::ip::address_v4::loopback(), port});
    }
    explicit RawPeer(tcp::socket socket) : socket_{std::move(socket)} {}

    Task<void> say(std::string text) {
        co_await asio::async_write(socket_, asio::buffer(text), asio::use_awaitable);
    }
    /// The next line; nothing once the other side has closed.
    Task<std::optional<std::string>> line() {
        boost::system::error_code error;
        const auto size = co_await asio::async_read_until(socket_, asio::dynamic_buffer(buffer_), '\n',
                                                          asio::redirect_error(asio::use_awaitable, error));
        if (error) co_return std::nullopt;
        auto text = buffer_.substr(0, size - 1);
        buffer_.erase(0, size);
        if (text.starts_with("PING ")) ++pings_;
        co_return text;
    }
    /// The next line that is no PING.
    Task<std::optional<std::string>> content() {
        while (true) {
            auto next = co_await line();
            if (!next || !next->starts_with("PING ")) co_return next;
        }
    }
    int pings() const { return pings_; }
    tcp::socket& socket() { return socket_; }

private:
    tcp::socket socket_;
    std::string buffer_;
    int pings_ = 0;
};

}  // namespace weft::replication::testing
