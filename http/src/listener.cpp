#include "listener.hpp"

#include <cstring>
#include <system_error>

#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fmt/format.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

namespace weft::http {
namespace {

using Generic = asio::generic::stream_protocol;

[[noreturn]] void fail(const boost::system::error_code& error, const std::string& where) {
    throw std::system_error{std::error_code{error}, "cannot listen on " + where};
}

/// A socket file that a killed process left behind is in the way; one that somebody answers on is not ours.
void remove_stale_socket(const std::string& path) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0 || !S_ISSOCK(info.st_mode)) return;
    asio::io_context io;
    asio::local::stream_protocol::socket probe{io};
    boost::system::error_code error;
    probe.connect(asio::local::stream_protocol::endpoint{path}, error);
    if (error == asio::error::connection_refused) ::unlink(path.c_str());
}

/// An address as written in `bind_addresses`; names such as localhost are looked up.
asio::ip::address resolve(const asio::any_io_executor& executor, const std::string& host) {
    boost::system::error_code error;
    auto address = asio::ip::make_address(host, error);
    if (!error) return address;
    asio::ip::tcp::resolver resolver{executor};
    const auto found = resolver.resolve(host, "", asio::ip::tcp::resolver::passive, error);
    if (error || found.empty()) fail(error, host);
    return found.begin()->endpoint().address();
}

}  // namespace

Listener::Listener(asio::any_io_executor executor, const core::ListenerConfig& config) {
    if (!config.path.empty()) {
        open_unix(executor, config.path);
    } else {
        open_tcp(executor, config);
    }
}

Listener::~Listener() {
    close();
}

void Listener::open_unix(const asio::any_io_executor& executor, const std::string& path) {
    if (path.size() >= sizeof(sockaddr_un::sun_path)) fail(asio::error::name_too_long, path);
    remove_stale_socket(path);
    const asio::local::stream_protocol::endpoint endpoint{path};
    Acceptor acceptor{executor};
    boost::system::error_code error;
    acceptor.open(Generic{AF_UNIX, 0}, error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error) fail(error, path);
    unix_path_ = path;
    acceptors_.push_back(std::move(acceptor));
}

void Listener::open_tcp(const asio::any_io_executor& executor, const core::ListenerConfig& config) {
    std::vector<asio::ip::address> addresses;
    for (const auto& host : config.bind_addresses) addresses.push_back(resolve(executor, host));
    const bool has_v4 = std::ranges::any_of(addresses, [](const auto& address) { return address.is_v4(); });
    port_ = config.port;
    for (const auto& address : addresses) {
        const asio::ip::tcp::endpoint endpoint{address, port_};
        const auto where = fmt::format("{}:{}", address.to_string(), port_);
        Acceptor acceptor{executor};
        boost::system::error_code error;
        acceptor.open(Generic{endpoint.protocol()}, error);
        if (!error) acceptor.set_option(asio::socket_base::reuse_address{true}, error);
        // Beside an IPv4 address, an IPv6 socket must not claim IPv4 as well.
        if (!error && address.is_v6() && has_v4) acceptor.set_option(asio::ip::v6_only{true}, error);
        if (!error) acceptor.bind(endpoint, error);
        if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
        if (error) fail(error, where);
        if (port_ == 0) {
            asio::ip::tcp::endpoint bound;
            const auto local = acceptor.local_endpoint();
            bound.resize(local.size());
            std::memcpy(bound.data(), local.data(), local.size());
            port_ = bound.port();
        }
        acceptors_.push_back(std::move(acceptor));
    }
}

void Listener::close() {
    for (auto& acceptor : acceptors_) {
        boost::system::error_code ignored;
        acceptor.close(ignored);
    }
    if (!unix_path_.empty()) ::unlink(unix_path_.c_str());
    unix_path_.clear();
}

Peer describe_peer(const Generic::endpoint& endpoint) {
    const auto family = endpoint.protocol().family();
    if (family != AF_INET && family != AF_INET6) return {"unix", std::nullopt};
    asio::ip::tcp::endpoint tcp;
    tcp.resize(endpoint.size());
    std::memcpy(tcp.data(), endpoint.data(), endpoint.size());
    auto address = tcp.address();
    if (address.is_v6() && address.to_v6().is_v4_mapped()) {
        address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
    }
    return {address.to_string(), address};
}

}  // namespace weft::http
