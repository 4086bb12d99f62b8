#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/async_result.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>

#include "weft/core/task.hpp"
#include "weft/core/tls.hpp"

namespace weft::core {

/// A connected stream socket: TCP or unix, in the clear or, once a handshake has succeeded, under TLS. All
/// behave alike to those who read and write. Must stay where it is while an operation is under way.
class StreamSocket : public asio::socket_base {
public:
    using Plain = asio::generic::stream_protocol::socket;
    using executor_type = Plain::executor_type;

    explicit StreamSocket(asio::any_io_executor executor) : plain_{std::in_place, std::move(executor)} {}
    StreamSocket(Plain plain) : plain_{std::move(plain)} {}  // NOLINT: it is one
    StreamSocket(StreamSocket&&) = default;
    StreamSocket& operator=(StreamSocket&&) = default;

    // The calling end shows its certificate and accepts the other's if it is for one of `names`; the
    // answering end accepts any of the same authority. The error says why there is no connection: too much
    // time, too, is up to the caller, who closes.
    Task<boost::system::error_code> handshake_as_client(TlsContext context, std::vector<std::string> names);
    Task<boost::system::error_code> handshake_as_server(TlsContext context);
    bool is_encrypted() const { return tls_ != nullptr; }

    /// The socket itself: what is read or written there bypasses TLS.
    Plain& plain() { return tls_ ? tls_->next_layer() : *plain_; }
    const Plain& plain() const { return tls_ ? tls_->next_layer() : *plain_; }

    executor_type get_executor() { return plain().get_executor(); }
    Plain::native_handle_type native_handle() { return plain().native_handle(); }
    bool is_open() const { return plain().is_open(); }
    void cancel(boost::system::error_code& error) { plain().cancel(error); }
    void close(boost::system::error_code& error) { plain().close(error); }
    void shutdown(shutdown_type what, boost::system::error_code& error) { plain().shutdown(what, error); }

    template <class Token>
    auto async_wait(wait_type what, Token&& token) {
        return plain().async_wait(what, std::forward<Token>(token));
    }

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        return asio::async_initiate<Token, Signature>(
            [this](auto handler, const Buffers& into) {
                if (tls_) {
                    tls_->async_read_some(into, std::move(handler));
                } else {
                    plain_->async_read_some(into, std::move(handler));
                }
            },
            token, buffers);
    }

    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return asio::async_initiate<Token, Signature>(
            [this](auto handler, const Buffers& from) {
                if (tls_) {
                    tls_->async_write_some(from, std::move(handler));
                } else {
                    plain_->async_write_some(from, std::move(handler));
                }
            },
            token, buffers);
    }

    /// Without waiting; under TLS always would_block.
    template <class Buffers>
    std::size_t write_some(const Buffers& buffers, boost::system::error_code& error) {
        if (!tls_) return plain_->write_some(buffers, error);
        error = asio::error::would_block;
        return 0;
    }

private:
    using Signature = void(boost::system::error_code, std::size_t);
    using Tls = asio::ssl::stream<Plain>;

    std::optional<Plain> plain_;  // until there is TLS
    std::unique_ptr<Tls> tls_;
    TlsContext context_;  // the stream needs it
};

}  // namespace weft::core
