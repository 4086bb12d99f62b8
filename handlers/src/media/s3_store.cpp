#include "weft/handlers/media/s3_store.hpp"

#include <array>
#include <ctime>

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "media/hex.hpp"
#include "weft/http/uri.hpp"
#include "weft/proto/crypto.hpp"

namespace weft::handlers {
namespace {

constexpr std::int64_t kTimeoutMs = 300'000;
constexpr std::size_t kObjectBytesMax = 4ULL * 1024 * 1024 * 1024;
constexpr std::string_view kSignedFields = "host;x-amz-content-sha256;x-amz-date";

std::string hmac(std::string_view key, std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
    unsigned int size = 0;
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
         reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data(), &size);
    return {reinterpret_cast<const char*>(out.data()), size};
}

std::string sha256_hex(std::string_view text) {
    return to_hex(proto::sha256(text));
}

/// Each segment is encoded, the slashes between them are not.
std::string encode_path(std::string_view path) {
    std::string out;
    while (!path.empty()) {
        const auto end = path.find('/');
        out += http::percent_encode(path.substr(0, end));
        if (end == std::string_view::npos) break;
        out += '/';
        path.remove_prefix(end + 1);
    }
    return out;
}

std::string host_of(std::string_view url) {
    const auto start = url.find("://");
    const auto host = start == std::string_view::npos ? url : url.substr(start + 3);
    return std::string{host.substr(0, host.find('/'))};
}

}  // namespace

std::string s3_date(std::int64_t now_ms) {
    const auto seconds = static_cast<std::time_t>(now_ms / 1000);
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                       utc.tm_hour, utc.tm_min, utc.tm_sec);
}

std::string s3_authorization(const core::S3Config& config, const S3Request& request,
                             const std::string& date) {
    const auto canonical = fmt::format("{}\n{}\n\nhost:{}\nx-amz-content-sha256:{}\nx-amz-date:{}\n\n{}\n{}",
                                       request.method, request.path, request.host, request.payload_sha256,
                                       date, kSignedFields, request.payload_sha256);
    const auto day = date.substr(0, 8);
    const auto scope = fmt::format("{}/{}/s3/aws4_request", day, config.region);
    const auto to_sign = fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", date, scope, sha256_hex(canonical));
    const auto key =
        hmac(hmac(hmac(hmac("AWS4" + config.secret_access_key, day), config.region), "s3"), "aws4_request");
    return fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}",
                       config.access_key_id, scope, kSignedFields, to_hex(hmac(key, to_sign)));
}

S3Store::S3Store(const core::S3Config& config, const core::Clock& clock, asio::any_io_executor executor)
    : config_{config}, clock_{clock}, client_{std::move(executor)} {
    while (config_.endpoint_url.ends_with('/')) config_.endpoint_url.pop_back();
}

Task<http::WebResponse> S3Store::send(http::Method method, std::string path, http::WebRequest request,
                                      std::string sha256_hex) {
    const auto encoded = encode_path(fmt::format("/{}/{}{}", config_.bucket, config_.prefix, path));
    const auto date = s3_date(clock_.now_ms());
    const S3Request to_sign{std::string{http::to_string(method)}, host_of(config_.endpoint_url), encoded,
                            sha256_hex};
    request.method = method;
    request.url = config_.endpoint_url + encoded;
    request.timeout_ms = kTimeoutMs;
    request.response_bytes_max = kObjectBytesMax;
    request.headers.set("x-amz-date", date);
    request.headers.set("x-amz-content-sha256", sha256_hex);
    request.headers.set("Authorization", s3_authorization(config_, to_sign, date));
    co_return co_await client_.send(std::move(request));
}

namespace {

[[noreturn]] void fail(std::string_view what, const std::string& path, const http::WebResponse& response) {
    throw std::runtime_error{fmt::format("the S3 store refuses to {} {}: {} {}", what, path, response.status,
                                         std::string_view{response.body}.substr(0, 300))};
}

}  // namespace

Task<void> S3Store::put(std::string path, http::BodyStreamPtr body, std::string sha256_hex) {
    http::WebRequest request;
    request.body_stream = std::move(body);
    const auto response = co_await send(http::Method::kPut, path, std::move(request), std::move(sha256_hex));
    if (response.status / 100 != 2) fail("store", path, response);
}

Task<bool> S3Store::get(std::string path, std::function<Task<void>(std::string)> sink) {
    http::WebRequest request;
    request.sink = std::move(sink);
    const auto response = co_await send(http::Method::kGet, path, std::move(request), sha256_hex(""));
    if (response.status == 404) co_return false;
    if (response.status != 200) fail("give", path, response);
    co_return true;
}

Task<void> S3Store::remove(std::string path) {
    const auto response = co_await send(http::Method::kDelete, path, {}, sha256_hex(""));
    if (response.status / 100 != 2 && response.status != 404) fail("delete", path, response);
}

}  // namespace weft::handlers
