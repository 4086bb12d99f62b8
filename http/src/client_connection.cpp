#include "client_connection.hpp"

#include <array>
#include <cerrno>

#include <sys/socket.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>

#include "response_parser.hpp"

namespace weft::http {
namespace {

namespace bhttp = boost::beast::http;
using boost::system::error_code;

constexpr std::size_t kReadBytes = 16 * 1024;
constexpr std::size_t kHeaderBytesMax = 64 * 1024;
/// The end of a TLS connection that does not say goodbye.
constexpr auto kTruncated = asio::ssl::error::stream_truncated;

}  // namespace

Task<error_code> ClientConnection::connect(core::InstanceAddress address, core::TlsContext tls, std::string name) {
    auto error = co_await connect_plainly(address);
    if (error || !tls || !address.path.empty()) co_return error;
    if (closed_) co_return asio::error::operation_aborted;
    std::vector<std::string> names{address.host};
    if (!name.empty()) names.push_back(std::move(name));
    co_return co_await secure(std::move(tls), std::move(names));
}

Task<error_code> ClientConnection::secure(core::TlsContext tls, std::vector<std::string> names) {
    const auto error = co_await socket_.handshake_as_client(std::move(tls), std::move(names));
    co_return closed_ ? error_code{asio::error::operation_aborted} : error;
}

Task<error_code> ClientConnection::connect_plainly(core::InstanceAddress address) {
    error_code error;
    auto& socket = socket_.plain();
    if (!address.path.empty()) {
        const asio::local::stream_protocol::endpoint endpoint{address.path};
        co_await socket.async_connect(endpoint, asio::redirect_error(asio::use_awaitable, error));
        co_return error;
    }
    std::vector<asio::ip::tcp::endpoint> endpoints;
    if (const auto literal = asio::ip::make_address(address.host, error); !error) {
        endpoints.emplace_back(literal, address.port);
    } else {
        asio::ip::tcp::resolver resolver{socket.get_executor()};
        const auto found = co_await resolver.async_resolve(address.host, std::to_string(address.port),
                                                           asio::redirect_error(asio::use_awaitable, error));
        if (error) co_return error;
        for (const auto& entry : found) endpoints.push_back(entry.endpoint());
    }
    co_return co_await connect_to(std::move(endpoints));
}

Task<error_code> ClientConnection::connect_to(std::vector<asio::ip::tcp::endpoint> endpoints) {
    auto& socket = socket_.plain();
    error_code error = asio::error::host_not_found;
    for (const auto& endpoint : endpoints) {
        error_code ignored;
        socket.close(ignored);
        if (closed_) co_return asio::error::operation_aborted;  // while the name was looked up
        co_await socket.async_connect(endpoint, asio::redirect_error(asio::use_awaitable, error));
        if (error == asio::error::operation_aborted) break;
        if (error) continue;
        socket.set_option(asio::ip::tcp::no_delay{true}, ignored);
        break;
    }
    co_return error;
}

Task<ClientConnection::Outcome> ClientConnection::exchange(std::shared_ptr<const std::string> head,
                                                           const ClientRequest& request) {
    reusable_ = false;
    Failure failure;
    const std::array<asio::const_buffer, 2> buffers{asio::buffer(*head), asio::buffer(request.body)};
    co_await asio::async_write(socket_, buffers, asio::redirect_error(asio::use_awaitable, failure.error));
    if (failure.error) co_return Outcome{std::nullopt, failure};
    if (request.body_stream) {
        failure.error = co_await send_body(request.body_stream);
        if (failure.error) co_return Outcome{std::nullopt, failure};
    }
    failure.request_sent = true;
    co_return co_await read_response(request, failure);
}

Task<error_code> ClientConnection::send_body(BodyStreamPtr body) {
    auto left = body->length().value_or(0);
    while (left > 0) {
        const auto piece = co_await body->next();
        if (piece.empty() || piece.size() > left) co_return asio::error::message_size;
        left -= piece.size();
        error_code error;
        co_await asio::async_write(socket_, asio::buffer(piece), asio::redirect_error(asio::use_awaitable, error));
        if (error) co_return error;
    }
    co_return error_code{};
}

Task<ClientConnection::Outcome> ClientConnection::read_response(const ClientRequest& request,
                                                                Failure failure) {
    const bool to_head = request.method == Method::kHead;
    std::optional<ResponseParser> parser{std::in_place, kHeaderBytesMax, request.response_bytes_max, to_head};
    for (;;) {
        error_code error;
        if (buffer_.size() > 0) {
            buffer_.consume(parser->put(buffer_.data(), error));
            if (error && error != bhttp::error::need_more) {
                failure.error = error;
                failure.too_large = error == bhttp::error::body_limit;
                co_return Outcome{std::nullopt, failure};
            }
            auto& response = parser->response();
            if (request.sink && !response.body.empty() && response.status / 100 == 2)
                co_await request.sink(std::exchange(response.body, {}));
            const bool interim = parser->is_done() && parser->response().status / 100 == 1;
            if (interim) {  // 100 Continue and its like announce the real answer
                parser.emplace(kHeaderBytesMax, request.response_bytes_max, to_head);
                continue;
            }
            if (parser->is_done()) break;
        }
        const auto count = co_await socket_.async_read_some(buffer_.prepare(kReadBytes),
                                                            asio::redirect_error(asio::use_awaitable, error));
        buffer_.commit(count);
        failure.response_began = failure.response_began || count > 0;
        if (!error) continue;
        // Nothing was cut short by the end of a connection that had not begun to answer.
        if (error == kTruncated && !failure.response_began) error = asio::error::eof;
        // Without a length the answer ends where the connection ends.
        if (error == asio::error::eof && parser->got_some() && parser->is_header_done() &&
            parser->need_eof()) {
            parser->put_eof(failure.error);
            if (!failure.error) break;
        } else {
            failure.error = error;
        }
        co_return Outcome{std::nullopt, failure};
    }
    // Bytes behind the answer belong to nothing: such a connection is out of step.
    reusable_ = parser->keep_alive() && buffer_.size() == 0;
    co_return Outcome{std::move(parser->response()), {}};
}

bool ClientConnection::is_quiet() {
    char byte = 0;
    const auto count = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

void ClientConnection::close() {
    closed_ = true;
    error_code ignored;
    socket_.close(ignored);
}

}  // namespace weft::http
