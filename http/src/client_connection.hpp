#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include "weft/core/stream_socket.hpp"
#include "weft/http/client.hpp"

namespace weft::http {

/// One connection of the client: connects, and carries one exchange after the other. Errors leave it
/// unusable.
class ClientConnection {
public:
    using Socket = core::StreamSocket;

    /// How an exchange went wrong, seen from the wire.
    struct Failure {
        boost::system::error_code error;
        bool request_sent = false;    // all of it was handed to the kernel
        bool response_began = false;  // at least a byte came back
        bool too_large = false;       // the answer is over the limit
    };
    struct Outcome {
        std::optional<Response> response;
        Failure failure;  // if there is no response
    };

    explicit ClientConnection(const asio::any_io_executor& executor) : socket_{executor} {}

    /// With `tls`, a TCP connection is made secure: the server's certificate must be for `name` or the host.
    Task<boost::system::error_code> connect(core::InstanceAddress address, core::TlsContext tls, std::string name);
    /// To the first of the endpoints that answers, in the clear.
    Task<boost::system::error_code> connect_to(std::vector<asio::ip::tcp::endpoint> endpoints);
    /// From now on under TLS; the server's certificate must be for one of `names`.
    Task<boost::system::error_code> secure(core::TlsContext tls, std::vector<std::string> names);
    /// `head` is the request line and fields; the body is sent behind it.
    Task<Outcome> exchange(std::shared_ptr<const std::string> head, const ClientRequest& request);

    /// Nothing came and the other end is still there.
    bool is_quiet();
    /// May carry another exchange.
    bool reusable() const { return reusable_; }
    /// Ends whatever goes on; pending operations fail with operation_aborted.
    void close();

    std::int64_t idle_since_ms = 0;

private:
    Task<boost::system::error_code> connect_plainly(core::InstanceAddress address);
    Task<boost::system::error_code> send_body(BodyStreamPtr body);
    Task<Outcome> read_response(const ClientRequest& request, Failure failure);

    Socket socket_;
    boost::beast::flat_buffer buffer_;
    bool reusable_ = false;
    bool closed_ = false;
};

}  // namespace weft::http
