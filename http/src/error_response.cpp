#include "error_response.hpp"

#include "weft/proto/json.hpp"

namespace weft::http {

Response error_response(const core::MatrixError& error) {
    boost::json::object body;
    if (!error.errcode.empty()) {
        body["errcode"] = error.errcode;
        body["error"] = error.what();
    }
    for (const auto& [key, value] : error.fields) body[key] = value;
    Response response{error.http_status, proto::to_json(body)};
    if (error.http_status == 429) {
        const auto retry_after_ms = proto::get_int(error.fields, "retry_after_ms").value_or(1000);
        response.headers.set("Retry-After",
                             std::to_string(std::max<std::int64_t>(1, (retry_after_ms + 999) / 1000)));
    }
    return response;
}

Response internal_error_response(std::string_view request_id) {
    auto response = error_response({500, "M_UNKNOWN", "Internal server error"});
    response.headers.set("X-Request-Id", std::string{request_id});
    return response;
}

}  // namespace weft::http
