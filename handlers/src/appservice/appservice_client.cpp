#include "weft/handlers/appservice/appservice_client.hpp"

namespace weft::handlers {

Task<http::Response> AppserviceClient::send(const core::AppserviceRegistration& service, Request request) {
    Call call{request.method, service.url + "/_matrix/app/v1" + request.path, service.hs_token, request.body,
              request.timeout_ms};
    auto response = co_await send_(std::move(call));
    const bool unknown_path = response.status == 404 || response.status == 405;
    if (!unknown_path || request.legacy_path.empty()) co_return response;
    Call legacy{request.method, service.url + request.legacy_path, service.hs_token, std::move(request.body),
                request.timeout_ms};
    auto legacy_response = co_await send_(std::move(legacy));
    const bool legacy_unknown = legacy_response.status == 404 || legacy_response.status == 405;
    co_return legacy_unknown ? std::move(response) : std::move(legacy_response);
}

}  // namespace weft::handlers
