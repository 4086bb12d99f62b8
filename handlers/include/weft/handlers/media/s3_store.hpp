#pragma once

#include <string>

#include "weft/core/clock.hpp"
#include "weft/core/config.hpp"
#include "weft/http/web_client.hpp"

namespace weft::handlers {

/// What is signed of a request to S3.
struct S3Request {
    std::string method;
    std::string host;
    std::string path;            // percent-encoded
    std::string payload_sha256;  // in hex
};

/// Value of the Authorization field: AWS Signature Version 4 for the service `s3`, over the fields host,
/// x-amz-content-sha256 and x-amz-date. `date` is that field's value, YYYYMMDDTHHMMSSZ.
std::string s3_authorization(const core::S3Config& config, const S3Request& request, const std::string& date);
/// `now_ms` as YYYYMMDDTHHMMSSZ.
std::string s3_date(std::int64_t now_ms);

/// Objects of one bucket. All throw std::runtime_error with the store's answer where something is wrong.
class S3Store {
public:
    S3Store(const core::S3Config& config, const core::Clock& clock, asio::any_io_executor executor);

    Task<void> put(std::string path, http::BodyStreamPtr body, std::string sha256_hex);
    /// Hands the object's content to `sink`; false if there is none of that name.
    Task<bool> get(std::string path, std::function<Task<void>(std::string)> sink);
    Task<void> remove(std::string path);

private:
    Task<http::WebResponse> send(http::Method method, std::string path, http::WebRequest request,
                                 std::string sha256_hex);

    core::S3Config config_;
    const core::Clock& clock_;
    http::WebClient client_;
};

}  // namespace weft::handlers
