#include "weft/http/web_client.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/url.hpp>
#include <fmt/format.h>

#include "client_connection.hpp"
#include "client_deadline.hpp"
#include "request_head.hpp"
#include "weft/core/log_context.hpp"

namespace weft::http {
namespace {

namespace urls = boost::urls;
using boost::system::error_code;
using Kind = ClientError::Kind;

/// People type blanks and letters that are not ASCII; on the wire they are escaped.
std::string escape_typed(std::string_view url) {
    std::string out;
    for (const char c : url) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte <= ' ' || byte >= 0x7f || std::string_view{"\"<>\\^`{|}"}.find(c) != std::string_view::npos) {
            fmt::format_to(std::back_inserter(out), "%{:02X}", byte);
        } else {
            out += c;
        }
    }
    return out;
}

/// A URL taken apart as far as a request needs it.
struct Destination {
    urls::url url;
    std::string host;  // without the brackets of an IPv6 address
    std::string port;
    bool is_secure = false;

    static Destination parse(const std::string& text) {
        auto parsed = urls::parse_uri(escape_typed(text));
        if (!parsed) throw ClientError{Kind::kConnect, "not a URL: " + text};
        return from(urls::url{*parsed});
    }
    static Destination from(urls::url url) {
        Destination out;
        const auto scheme = url.scheme_id();
        if (scheme != urls::scheme::http && scheme != urls::scheme::https)
            throw ClientError{Kind::kConnect, "neither http nor https"};
        out.is_secure = scheme == urls::scheme::https;
        out.host = url.host_address();
        if (out.host.empty()) throw ClientError{Kind::kConnect, "the URL names no host"};
        out.port = url.has_port() && url.port_number() != 0 ? std::to_string(url.port_number()) : out.is_secure ? "443" : "80";
        url.remove_fragment();
        if (url.encoded_path().empty()) url.set_path("/");
        out.url = std::move(url);
        return out;
    }

    std::string target() const { return std::string{std::string_view{url.encoded_target()}}; }
    std::string host_field() const { return std::string{std::string_view{url.encoded_host_and_port()}}; }
};

bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

struct WebClient::Impl {
    Impl(asio::any_io_executor on, AddressFilter addresses)
        : executor{core::with_context(std::move(on), core::sentinel_context())},
          filter{std::move(addresses)} {}

    Task<std::vector<asio::ip::tcp::endpoint>> find(const Destination& to) const;

    asio::any_io_executor executor;
    AddressFilter filter;
    core::TlsContext tls;
};

Task<std::vector<asio::ip::tcp::endpoint>> WebClient::Impl::find(const Destination& to) const {
    asio::ip::tcp::resolver resolver{executor};
    error_code error;
    const auto found =
        co_await resolver.async_resolve(to.host, to.port, asio::redirect_error(asio::use_awaitable, error));
    if (error) throw ClientError{Kind::kConnect, fmt::format("cannot find {}: {}", to.host, error.message())};
    std::vector<asio::ip::tcp::endpoint> allowed;
    for (const auto& entry : found) {
        if (filter.allows(entry.endpoint().address())) allowed.push_back(entry.endpoint());
    }
    if (allowed.empty()) throw ClientError{Kind::kConnect, to.host + " has no address that may be asked"};
    co_return allowed;
}

WebClient::WebClient(asio::any_io_executor executor, AddressFilter filter)
    : impl_{std::make_shared<Impl>(std::move(executor), std::move(filter))} {}

WebClient::~WebClient() = default;

Task<WebResponse> WebClient::send(WebRequest request) {
    const auto impl = impl_;  // the client may go while we wait
    auto to = Destination::parse(request.url);
    Deadline deadline{impl->executor, request.timeout_ms};
    const auto fail = [&](Kind kind, const std::string& why) {
        if (deadline.passed()) return ClientError{Kind::kTimeout, fmt::format("no answer from {} within {} ms", to.host, request.timeout_ms)};
        return ClientError{kind, fmt::format("{} from {}: {}", to_string(request.method), to.host, why)};
    };
    request.headers.set("Connection", "close");
    for (int redirects = 0;; ++redirects) {
        auto connection = std::make_shared<ClientConnection>(impl->executor);
        deadline.guard(connection);
        auto error = co_await connection->connect_to(co_await impl->find(to));
        if (!error && to.is_secure) {
            if (!impl->tls) impl->tls = core::make_public_tls_context();
            error = co_await connection->secure(impl->tls, {to.host});
        }
        if (error) throw fail(Kind::kConnect, error.message());
        request.target = to.target();
        auto outcome = co_await connection->exchange(request_head(request, to.host_field()), request);
        connection->close();
        if (!outcome.response) throw fail(Kind::kBroken, outcome.failure.error.message());

        const auto location = outcome.response->headers.get("Location");
        if (!is_redirect(outcome.response->status) || !location || redirects >= request.redirects_max) {
            WebResponse response;
            static_cast<Response&>(response) = std::move(*outcome.response);
            response.url = to.url.buffer();
            co_return response;
        }
        const auto reference = urls::parse_uri_reference(escape_typed(*location));
        urls::url next;
        if (!reference || !urls::resolve(to.url, *reference, next)) throw fail(Kind::kBroken, "it redirects to no URL");
        to = Destination::from(std::move(next));
    }
}

}  // namespace weft::http
