#pragma once

#include <cstdint>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace weft::test {

/// A port of 127.0.0.1 that was free a moment ago: nobody listens there.
inline std::uint16_t closed_port(boost::asio::io_context& io) {
    using boost::asio::ip::tcp;
    const tcp::acceptor placeholder{io, {boost::asio::ip::address_v4::loopback(), 0}};
    return placeholder.local_endpoint().port();
}

}  // namespace weft::test
