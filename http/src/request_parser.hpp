#pragma once

#include <cstdint>

#include <boost/beast/http/basic_parser.hpp>

#include "weft/http/message.hpp"

namespace weft::http {

/// Beast's parser, writing straight into a Request: nothing is kept twice. Reads a head, and the body if it
/// comes in chunks; a body of known length is read by the connection into its place.
class RequestParser : public boost::beast::http::basic_parser<true> {
public:
    static constexpr std::size_t kFieldsMax = 200;

    RequestParser();

    /// Where the request is put together. Path and query are left to the connection.
    Request& request() { return request_; }
    const Request& request() const { return request_; }
    bool http_1_0() const { return http_1_0_; }
    /// The client wants to hear that its body is welcome before it sends it.
    bool expects_continue() const;
    /// Bytes of head taken so far.
    std::size_t head_bytes() const { return head_bytes_; }
    /// put() for the head; counts what it takes, because Beast's own limit starts anew with each field.
    std::size_t put_head(boost::asio::const_buffer bytes, boost::system::error_code& error);

private:
    using error_code = boost::beast::error_code;
    using string_view = boost::beast::string_view;

    void on_request_impl(boost::beast::http::verb, string_view method, string_view target, int version,
                         error_code& error) override;
    void on_response_impl(int, string_view, int, error_code&) override {}
    void on_field_impl(boost::beast::http::field, string_view name, string_view value,
                       error_code& error) override;
    void on_header_impl(error_code& error) override;
    void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
    std::size_t on_body_impl(string_view body, error_code& error) override;
    void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code& error) override;
    void on_finish_impl(error_code&) override {}

    Request request_;
    std::size_t head_bytes_ = 0;
    bool http_1_0_ = false;
    bool head_done_ = false;
    bool has_transfer_encoding_ = false;
};

}  // namespace weft::http
