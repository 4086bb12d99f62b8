#pragma once

#include <cstdint>

#include <boost/beast/http/basic_parser.hpp>

#include "weft/http/message.hpp"

namespace weft::http {

/// Beast's parser, writing straight into a Response.
class ResponseParser : public boost::beast::http::basic_parser<false> {
public:
    /// To a HEAD request the answer has no body, whatever its length field says.
    ResponseParser(std::size_t header_bytes_max, std::size_t body_bytes_max, bool to_head);

    Response& response() { return response_; }

private:
    using error_code = boost::beast::error_code;
    using string_view = boost::beast::string_view;

    void on_request_impl(boost::beast::http::verb, string_view, string_view, int, error_code&) override {}
    void on_response_impl(int status, string_view reason, int version, error_code& error) override;
    void on_field_impl(boost::beast::http::field field, string_view name, string_view value,
                       error_code&) override;
    void on_header_impl(error_code&) override { head_done_ = true; }
    void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override;
    std::size_t on_body_impl(string_view body, error_code&) override;
    void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code&) override;
    void on_finish_impl(error_code&) override {}

    Response response_;
    std::size_t head_bytes_left_;
    bool head_done_ = false;
};

}  // namespace weft::http
