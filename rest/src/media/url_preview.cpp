#include "weft/rest/media/url_preview.hpp"

#include <functional>

#include "client/worker_kinds.hpp"
#include "weft/core/errors.hpp"

namespace weft::rest {

void UrlPreviewEndpoints::register_on(http::Router& router) {
    if (!config_.media.enabled || !config_.media.previews_enabled) return;
    const std::pair<std::vector<std::string>, std::string> forms[] = {
        {http::client_paths({"v1"}, "/media/preview_url"), "getUrlPreviewAuthed"},
        {{"/_matrix/media/v3/preview_url", "/_matrix/media/r0/preview_url", "/_matrix/media/v1/preview_url"},
         "getUrlPreview"}};
    for (const auto& [paths, operation] : forms) {
        router.add(
            {.method = http::Method::kGet, .paths = paths, .operation = operation, .workers = kOnMedia},
            std::bind_front(&UrlPreviewEndpoints::preview, this));
    }
}

Task<http::Response> UrlPreviewEndpoints::preview(http::Request request) {
    const auto url = request.query_param("url");
    if (!url) throw core::MatrixError::missing_param("Missing query parameter 'url'");
    const auto at_ms = request.query_int("ts").value_or(clock_.now_ms());
    co_return http::Response::raw_json(co_await previews_.preview(std::string{*url}, at_ms));
}

}  // namespace weft::rest
