#include "weft/core/tls.hpp"

#include <algorithm>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace weft::core {

namespace ssl = boost::asio::ssl;

namespace {

template <class Function>
void use(const std::string& key, const std::string& file, Function function) {
    try {
        function();
    } catch (const boost::system::system_error& error) {
        throw ConfigError{fmt::format("replication_tls.{}: {}: {}", key, file, error.code().message())};
    }
}

}  // namespace

TlsContext make_tls_context(const TlsConfig& config) {
    if (!config.is_set()) return nullptr;
    auto context = std::make_shared<ssl::context>(ssl::context::tls);
    auto* const native = context->native_handle();
    // Both ends are ours: there is nobody to be lenient with.
    SSL_CTX_set_min_proto_version(native, TLS1_3_VERSION);
    // A ticket would arrive on a connection that is otherwise quiet, and connections live long anyway.
    SSL_CTX_set_num_tickets(native, 0);
    context->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
    use("ca", config.ca, [&] { context->load_verify_file(config.ca); });
    use("certificate", config.certificate, [&] { context->use_certificate_chain_file(config.certificate); });
    use("key", config.key, [&] { context->use_private_key_file(config.key, ssl::context::pem); });
    return context;
}

TlsContext make_public_tls_context() {
    auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
    SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
    context->set_verify_mode(ssl::verify_peer);
    context->set_default_verify_paths();
    return context;
}

bool certificate_is_for(X509* certificate, const std::vector<std::string>& names) {
    return std::ranges::any_of(names, [&](const std::string& name) {
        if (name.empty()) return false;
        return X509_check_host(certificate, name.data(), name.size(), 0, nullptr) == 1 ||
               X509_check_ip_asc(certificate, name.c_str(), 0) == 1;
    });
}

}  // namespace weft::core
