#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

#include <boost/json/object.hpp>

namespace weft::core {

/// An error the client is told about: HTTP status, Matrix error code and text (client-server API, "Standard error
/// response"). Handlers throw it; one function in http/ turns it into a response; it crosses RPC unchanged.
class MatrixError : public std::runtime_error {
public:
    MatrixError(int status, std::string code, const std::string& text)
        : std::runtime_error{text}, http_status{status}, errcode{std::move(code)} {}

    static MatrixError forbidden(const std::string& why) { return {403, "M_FORBIDDEN", why}; }
    static MatrixError not_found(const std::string& what) { return {404, "M_NOT_FOUND", what}; }
    static MatrixError bad_json(const std::string& why) { return {400, "M_BAD_JSON", why}; }
    static MatrixError not_json(const std::string& why) { return {400, "M_NOT_JSON", why}; }
    static MatrixError invalid_param(const std::string& why) { return {400, "M_INVALID_PARAM", why}; }
    static MatrixError missing_param(const std::string& why) { return {400, "M_MISSING_PARAM", why}; }
    static MatrixError unknown(const std::string& why) { return {400, "M_UNKNOWN", why}; }
    static MatrixError too_large(const std::string& why) { return {413, "M_TOO_LARGE", why}; }
    static MatrixError missing_token() { return {401, "M_MISSING_TOKEN", "Missing access token"}; }
    static MatrixError unknown_token() { return {401, "M_UNKNOWN_TOKEN", "Unrecognised access token"}; }
    static MatrixError unrecognized(int status) { return {status, "M_UNRECOGNIZED", "Unrecognized request"}; }
    /// 429 with `retry_after_ms` in the body and Retry-After in the headers.
    static MatrixError limit_exceeded(std::int64_t retry_after_ms) {
        MatrixError error{429, "M_LIMIT_EXCEEDED", "Too Many Requests"};
        error.fields["retry_after_ms"] = retry_after_ms;
        return error;
    }

    MatrixError with(std::string_view key, boost::json::value value) && {
        fields[key] = std::move(value);
        return std::move(*this);
    }

    int http_status;
    std::string errcode;
    /// Further members of the error body, e.g. `soft_logout`, `retry_after_ms`, or the whole 401 of interactive auth.
    boost::json::object fields;
};

/// The database refused or failed for good; becomes a logged 500.
class StoreError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

}  // namespace weft::core
