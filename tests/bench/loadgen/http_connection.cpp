#include "http_connection.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace weft::loadgen {

namespace {

using boost::system::error_code;
using boost::system::system_error;

constexpr std::string_view kHeaderEnd = "\r\n\r\n";
constexpr std::size_t kReadBytes = 16 * 1024;
constexpr std::size_t kHeaderBytesMax = 64 * 1024;
constexpr std::size_t kBodyBytesMax = 256 * 1024 * 1024;

[[noreturn]] void fail(boost::system::errc::errc_t code) {
    throw system_error{boost::system::errc::make_error_code(code)};
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, [](char x, char y) { return (x | 0x20) == (y | 0x20); });
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    return text;
}

std::size_t parse_number(std::string_view text, int base) {
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc{} || end == text.data() || value > kBodyBytesMax)
        fail(boost::system::errc::bad_message);
    return value;
}

struct Header {
    int status = 0;
    std::size_t length = 0;
    bool chunked = false;
    bool close = false;
};

/// Reads status line and the header fields that say where the response ends.
Header parse_header(std::string_view text) {
    if (text.size() < 12 || !text.starts_with("HTTP/1.")) fail(boost::system::errc::bad_message);
    Header header;
    header.status = static_cast<int>(parse_number(text.substr(9, 3), 10));
    for (auto line_end = text.find("\r\n"); line_end != std::string_view::npos;) {
        text.remove_prefix(line_end + 2);
        line_end = text.find("\r\n");
        const auto line = text.substr(0, line_end);
        const auto colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        const auto name = line.substr(0, colon);
        const auto value = trimmed(line.substr(colon + 1));
        if (equals_ignoring_case(name, "content-length")) {
            header.length = parse_number(value, 10);
        } else if (equals_ignoring_case(name, "transfer-encoding")) {
            header.chunked = equals_ignoring_case(value, "chunked");
        } else if (equals_ignoring_case(name, "connection")) {
            header.close = equals_ignoring_case(value, "close");
        }
    }
    return header;
}

}  // namespace

HttpConnection::HttpConnection(asio::any_io_executor executor, asio::ip::tcp::endpoint server)
    : socket_{std::move(executor)}, server_{std::move(server)} {}

void HttpConnection::close() {
    closing_ = true;
    error_code ignored;
    socket_.close(ignored);
}

Task<HttpResponse> HttpConnection::exchange(std::string request, std::function<void()> sent) {
    if (socket_.is_open()) {
        std::optional<HttpResponse> response;
        try {
            response = co_await attempt(request, sent);
        } catch (const system_error&) {
            // The server may close an idle connection at any time; what it still had to say is lost with it.
            if (closing_) throw;
        }
        if (response) co_return std::move(*response);
    }
    co_await connect();
    co_return co_await attempt(request, sent);
}

Task<void> HttpConnection::connect() {
    error_code ignored;
    socket_.close(ignored);
    buffer_.clear();
    co_await socket_.async_connect(server_, asio::use_awaitable);
    socket_.set_option(asio::ip::tcp::no_delay{true});
}

Task<HttpResponse> HttpConnection::attempt(const std::string& request, const std::function<void()>& sent) {
    co_await asio::async_write(socket_, asio::buffer(request), asio::use_awaitable);
    if (sent) sent();
    co_return co_await read_response();
}

Task<HttpResponse> HttpConnection::read_response() {
    auto header_end = buffer_.find(kHeaderEnd);
    while (header_end == std::string::npos) {
        if (buffer_.size() > kHeaderBytesMax) fail(boost::system::errc::bad_message);
        co_await read_more();
        header_end = buffer_.find(kHeaderEnd);
    }
    const auto header = parse_header(std::string_view{buffer_}.substr(0, header_end));
    const auto body_start = header_end + kHeaderEnd.size();

    HttpResponse response;
    response.status = header.status;
    if (header.chunked) {
        response.body = co_await read_chunks(body_start);
    } else {
        co_await read_until_buffered(body_start + header.length);
        response.body = buffer_.substr(body_start, header.length);
        buffer_.erase(0, body_start + header.length);
    }
    if (header.close) {
        error_code ignored;
        socket_.close(ignored);
    }
    co_return response;
}

/// Reads a chunked body that begins at `offset` of the buffer, and removes the response from the buffer.
Task<std::string> HttpConnection::read_chunks(std::size_t offset) {
    std::string body;
    for (;;) {
        auto line_end = buffer_.find("\r\n", offset);
        while (line_end == std::string::npos) {
            co_await read_more();
            line_end = buffer_.find("\r\n", offset);
        }
        const auto size = parse_number(std::string_view{buffer_}.substr(offset, line_end - offset), 16);
        const auto data = line_end + 2;
        co_await read_until_buffered(data + size + 2);
        body.append(buffer_, data, size);
        offset = data + size + 2;
        if (size == 0) break;
        if (body.size() > kBodyBytesMax) fail(boost::system::errc::bad_message);
    }
    buffer_.erase(0, offset);
    co_return body;
}

Task<void> HttpConnection::read_until_buffered(std::size_t bytes) {
    while (buffer_.size() < bytes) co_await read_more();
}

Task<std::size_t> HttpConnection::read_more() {
    const auto before = buffer_.size();
    buffer_.resize(before + kReadBytes);
    error_code error;
    const auto bytes = co_await socket_.async_read_some(asio::buffer(buffer_.data() + before, kReadBytes),
                                                        asio::redirect_error(asio::use_awaitable, error));
    buffer_.resize(before + bytes);
    if (error) throw system_error{error};
    co_return bytes;
}

}  // namespace weft::loadgen
