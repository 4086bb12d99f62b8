#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/address.hpp>

#include "weft/core/config.hpp"
#include "weft/core/stream_socket.hpp"
#include "weft/core/task.hpp"

namespace weft::http {

using Socket = core::StreamSocket;

/// Bound, listening sockets of one ListenerConfig: one an address, or one unix socket.
class Listener {
public:
    using Acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol>;

    /// Throws std::system_error with the address in its text.
    Listener(asio::any_io_executor executor, const core::ListenerConfig& config);
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    std::vector<Acceptor>& acceptors() { return acceptors_; }
    /// The first TCP port; 0 for a unix socket.
    std::uint16_t port() const { return port_; }
    /// Stops listening and removes the unix socket's file.
    void close();

private:
    void open_unix(const asio::any_io_executor& executor, const std::string& path);
    void open_tcp(const asio::any_io_executor& executor, const core::ListenerConfig& config);

    std::vector<Acceptor> acceptors_;
    std::uint16_t port_ = 0;
    std::string unix_path_;
};

/// The other end of an accepted connection: its address, or "unix".
struct Peer {
    std::string text;
    std::optional<asio::ip::address> address;  // not for unix sockets
};
Peer describe_peer(const asio::generic::stream_protocol::endpoint& endpoint);

}  // namespace weft::http
