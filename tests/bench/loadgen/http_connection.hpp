#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <boost/asio.hpp>

namespace weft::loadgen {

namespace asio = boost::asio;

template <class T = void>
using Task = asio::awaitable<T>;

struct HttpResponse {
    int status = 0;
    std::string body;
};

/// One HTTP/1.1 connection that stays open between requests. It does as little as it can: the load generator
/// shares the machine with the servers it measures.
class HttpConnection {
public:
    HttpConnection(asio::any_io_executor executor, asio::ip::tcp::endpoint server);

    /// Sends a complete request and reads the whole response; `sent` is called once the request is written.
    /// Connects when necessary; a kept connection that turns out to be closed is replaced once, so a request
    /// may arrive twice. Throws boost::system::system_error.
    Task<HttpResponse> exchange(std::string request, std::function<void()> sent = {});

    /// Ends the connection; a pending exchange fails.
    void close();

private:
    Task<void> connect();
    Task<HttpResponse> attempt(const std::string& request, const std::function<void()>& sent);
    Task<HttpResponse> read_response();
    Task<void> read_until_buffered(std::size_t bytes);
    Task<std::string> read_chunks(std::size_t offset);
    Task<std::size_t> read_more();

    asio::ip::tcp::socket socket_;
    asio::ip::tcp::endpoint server_;
    std::string buffer_;  // read and not yet part of a response
    bool closing_ = false;
};

}  // namespace weft::loadgen
