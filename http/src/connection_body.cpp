// Bodies that handlers read themselves, while they arrive.
#include <boost/asio/redirect_error.hpp>
#include <boost/beast/http/error.hpp>

#include "connection.hpp"
#include "weft/core/errors.hpp"

namespace weft::http {
namespace {

namespace bhttp = boost::beast::http;
using boost::system::error_code;

constexpr std::size_t kPieceBytesMax = 256 * 1024;

}  // namespace

std::shared_ptr<RequestBody> Connection::stream_body(RequestParser& parser, std::size_t bytes_max) {
    const auto length = parser.content_length();
    body_left_ = length ? static_cast<std::uint64_t>(*length) : 0;
    body_patience_ms_ = server_->limits.body_timeout_ms;
    continue_wanted_ = parser.expects_continue();
    if (!length) {
        parser.eager(true);
        parser.body_limit(bytes_max);
    }
    auto known = length ? std::optional<std::uint64_t>{body_left_} : std::nullopt;
    auto body = std::make_shared<RequestBody>(known, [this, &parser] { return read_piece(parser); });
    parser.request().body_stream = body;
    return body;
}

Task<std::string> Connection::read_piece(RequestParser& parser) {
    const bool is_sized = parser.content_length().has_value();
    if (is_sized && body_left_ == 0) co_return std::string{};
    if (std::exchange(continue_wanted_, false) && buffer_.size() == 0) send_continue();
    // The body's time runs only while we wait for it; the handler's begins anew with each piece.
    enter(Phase::kBody, body_patience_ms_);
    auto piece = co_await (is_sized ? read_sized_piece() : read_chunked_piece(parser));
    extend_deadline(piece.size());
    body_patience_ms_ = std::max<std::int64_t>(1, deadline_ms_ - server_->clock.monotonic_ms());
    enter(Phase::kHandling, handling_timeout_ms_);
    co_return piece;
}

Task<std::string> Connection::read_sized_piece() {
    std::string piece;
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, kPieceBytesMax));
    const auto buffered = std::min(buffer_.size(), wanted);
    if (buffered > 0) {
        piece.assign(static_cast<const char*>(buffer_.data().data()), buffered);
        buffer_.consume(buffered);
    } else {
        piece.resize(wanted);
        error_code error;
        const auto count = co_await socket_.async_read_some(asio::buffer(piece),
                                                            asio::redirect_error(asio::use_awaitable, error));
        if (error) fail_read();
        piece.resize(count);
    }
    body_left_ -= piece.size();
    co_return piece;
}

Task<std::string> Connection::read_chunked_piece(RequestParser& parser) {
    auto& arrived = parser.request().body;
    arrived.clear();
    while (!parser.is_done()) {
        if (buffer_.size() > 0) {
            error_code error;
            buffer_.consume(parser.put(buffer_.data(), error));
            if (error == bhttp::error::body_limit)
                throw core::MatrixError::too_large("The request's body is too large");
            // What stays in the buffer is the line of a chunk's size or a trailer.
            if ((error && error != bhttp::error::need_more) ||
                buffer_.size() > server_->limits.header_bytes_max) {
                throw core::MatrixError::unknown("Malformed chunked body");
            }
            if (!arrived.empty() || parser.is_done()) break;
        }
        if (co_await fill(kPieceBytesMax) == 0) fail_read();
    }
    co_return std::exchange(arrived, {});
}

void Connection::fail_read() const {
    if (expired_) throw core::MatrixError{408, "M_UNKNOWN", "Timed out waiting for the request"};
    throw core::MatrixError::unknown("The request's body broke off");
}

}  // namespace weft::http
