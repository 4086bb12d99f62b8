#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "weft/core/config.hpp"
#include "weft/core/tls.hpp"
#include "weft/http/message.hpp"
#include "weft/http/uri.hpp"

namespace weft::http {

/// Why no response came.
class ClientError : public std::runtime_error {
public:
    enum class Kind { kConnect, kTimeout, kBroken };
    ClientError(Kind what, const std::string& text) : std::runtime_error{text}, kind{what} {}
    /// kConnect: nothing was sent, so a retry is always safe.
    const Kind kind;
};

struct ClientRequest {
    Method method = Method::kGet;
    std::string target;  // path and query, percent-encoded
    Headers headers;
    std::string body;
    BodyStreamPtr body_stream;  // instead of `body`; of known length. Such a request is never sent twice
    /// Takes the body of a successful (2xx) answer as it comes; `Response::body` stays empty then.
    std::function<Task<void>(std::string)> sink;
    std::int64_t timeout_ms = 60'000;
    std::size_t response_bytes_max = 64 * 1024 * 1024;
    /// Under TLS: whom the server's certificate may be for, beside the host.
    std::string server_instance;
};

/// HTTP/1.1 client with a pool of keep-alive connections an address. A kept connection that the server closed
/// meanwhile is replaced without the caller noticing.
class Client {
public:
    explicit Client(asio::any_io_executor executor, std::size_t idle_connections_max = 32);
    ~Client();
    /// TCP connections are made under TLS from now on.
    void use_tls(core::TlsContext context);
    Task<Response> send(core::InstanceAddress address, ClientRequest request);

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace weft::http
