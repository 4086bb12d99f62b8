#include "response_parser.hpp"

#include <algorithm>
#include <limits>

#include <boost/beast/http/error.hpp>

namespace weft::http {

namespace bhttp = boost::beast::http;

namespace {

/// No more than this is set aside because a length field says so.
constexpr std::size_t kReserveBytesMax = 1024 * 1024;

}  // namespace

ResponseParser::ResponseParser(std::size_t header_bytes_max, std::size_t body_bytes_max, bool to_head)
    : head_bytes_left_{header_bytes_max} {
    response_.body.clear();
    response_.content_type.clear();
    eager(true);
    header_limit(static_cast<std::uint32_t>(std::min<std::size_t>(header_bytes_max, 1U << 30)));
    body_limit(body_bytes_max);
    skip(to_head);
}

void ResponseParser::on_response_impl(int status, string_view, int, error_code&) {
    response_.status = status;
}

void ResponseParser::on_field_impl(bhttp::field field, string_view name, string_view value,
                                   error_code& error) {
    if (head_done_) return;  // a trailer
    const auto bytes = name.size() + value.size() + 4;
    if (bytes > head_bytes_left_) {
        error = bhttp::error::header_limit;
        return;
    }
    head_bytes_left_ -= bytes;
    switch (field) {
        case bhttp::field::content_type:
            response_.content_type.assign(value.data(), value.size());
            return;
        // These describe this connection, not the answer: whoever passes the answer on has its own.
        case bhttp::field::connection:
        case bhttp::field::keep_alive:
        case bhttp::field::content_length:
        case bhttp::field::transfer_encoding:
            return;
        default:
            response_.headers.add(std::string{name}, std::string{value});
    }
}

void ResponseParser::on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) {
    if (length)
        response_.body.reserve(std::min<std::size_t>(static_cast<std::size_t>(*length), kReserveBytesMax));
}

std::size_t ResponseParser::on_body_impl(string_view body, error_code&) {
    response_.body.append(body.data(), body.size());
    return body.size();
}

std::size_t ResponseParser::on_chunk_body_impl(std::uint64_t, string_view body, error_code&) {
    response_.body.append(body.data(), body.size());
    return body.size();
}

}  // namespace weft::http
