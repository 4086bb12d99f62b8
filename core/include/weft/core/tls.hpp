#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/ssl/context.hpp>

#include "weft/core/config.hpp"

namespace weft::core {

/// Certificates for connections between processes: both ends show one of the same private authority.
using TlsContext = std::shared_ptr<boost::asio::ssl::context>;

/// TLS 1.3, for either end of a connection; null if `config` names no files. Throws ConfigError with the file
/// that cannot be used.
TlsContext make_tls_context(const TlsConfig& config);

/// For connections to servers of others: TLS 1.2 or newer, certificates of the system's authorities.
TlsContext make_public_tls_context();

/// True if the certificate was issued to one of these names: as DNS name or IP address.
bool certificate_is_for(X509* certificate, const std::vector<std::string>& names);

}  // namespace weft::core
