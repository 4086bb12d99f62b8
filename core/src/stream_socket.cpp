#include "weft/core/stream_socket.hpp"

#include <fmt/ranges.h>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/redirect_error.hpp>

#include "weft/core/log.hpp"

namespace weft::core {

namespace ssl = asio::ssl;
using boost::system::error_code;

Task<boost::system::error_code> StreamSocket::handshake_as_client(TlsContext context,
                                                                  std::vector<std::string> names) {
    context_ = std::move(context);
    tls_ = std::make_unique<Tls>(std::move(*plain_), *context_);
    plain_.reset();
    // Servers of many names choose their certificate by this one. An address is no name (RFC 6066, 3).
    error_code not_an_address;
    if (!names.empty() && (asio::ip::make_address(names.front(), not_an_address), not_an_address))
        SSL_set_tlsext_host_name(tls_->native_handle(), names.front().c_str());
    tls_->set_verify_callback([names = std::move(names)](bool is_trusted, ssl::verify_context& chain) {
        if (!is_trusted) return false;
        const bool is_peer = X509_STORE_CTX_get_error_depth(chain.native_handle()) == 0;
        if (!is_peer || certificate_is_for(X509_STORE_CTX_get_current_cert(chain.native_handle()), names))
            return true;
        log_warning("tls", "the certificate that was shown is not for {}", fmt::join(names, " or "));
        X509_STORE_CTX_set_error(chain.native_handle(), X509_V_ERR_HOSTNAME_MISMATCH);
        return false;
    });
    boost::system::error_code error;
    co_await tls_->async_handshake(ssl::stream_base::client,
                                   asio::redirect_error(asio::use_awaitable, error));
    co_return error;
}

Task<boost::system::error_code> StreamSocket::handshake_as_server(TlsContext context) {
    context_ = std::move(context);
    tls_ = std::make_unique<Tls>(std::move(*plain_), *context_);
    plain_.reset();
    boost::system::error_code error;
    co_await tls_->async_handshake(ssl::stream_base::server,
                                   asio::redirect_error(asio::use_awaitable, error));
    co_return error;
}

}  // namespace weft::core
