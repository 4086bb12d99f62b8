#include "request_parser.hpp"

#include <limits>

#include <boost/beast/http/error.hpp>

#include "ascii.hpp"

namespace weft::http {

namespace bhttp = boost::beast::http;

RequestParser::RequestParser() {
    eager(false);
    // Both limits are the connection's: the body's depends on the endpoint.
    header_limit(std::numeric_limits<std::uint32_t>::max());
    body_limit(boost::none);
}

bool RequestParser::expects_continue() const {
    const auto expect = request_.headers.get("Expect");
    return expect && !http_1_0_ && iequals(*expect, "100-continue");
}

std::size_t RequestParser::put_head(boost::asio::const_buffer bytes, boost::system::error_code& error) {
    const auto taken = put(bytes, error);
    head_bytes_ += taken;
    return taken;
}

void RequestParser::on_request_impl(bhttp::verb, string_view method, string_view target, int version,
                                    error_code&) {
    request_.method = http::parse_method(method).value_or(Method::kOther);
    request_.target.assign(target.data(), target.size());
    http_1_0_ = version < 11;
}

void RequestParser::on_field_impl(bhttp::field field, string_view name, string_view value,
                                  error_code& error) {
    // Trailers come after decisions were made from the head; they are read and forgotten.
    if (head_done_) return;
    if (request_.headers.all().size() >= kFieldsMax) {
        error = bhttp::error::header_limit;
        return;
    }
    has_transfer_encoding_ = has_transfer_encoding_ || field == bhttp::field::transfer_encoding;
    request_.headers.add(std::string{name}, std::string{value});
}

void RequestParser::on_header_impl(error_code& error) {
    head_done_ = true;
    // Any other coding than chunked leaves the length in doubt, which is how requests are smuggled.
    if (has_transfer_encoding_ && !chunked()) error = bhttp::error::bad_transfer_encoding;
}

std::size_t RequestParser::on_body_impl(string_view body, error_code&) {
    request_.body.append(body.data(), body.size());
    return body.size();
}

std::size_t RequestParser::on_chunk_body_impl(std::uint64_t, string_view body, error_code&) {
    request_.body.append(body.data(), body.size());
    return body.size();
}

}  // namespace weft::http
