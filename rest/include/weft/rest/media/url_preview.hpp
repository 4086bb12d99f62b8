#pragma once

#include "weft/core/clock.hpp"
#include "weft/core/config.hpp"
#include "weft/core/task.hpp"
#include "weft/handlers/media/url_previews.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// Previews of URLs: /_matrix/client/v1/media/preview_url and its older form. Not there if previews are off.
class UrlPreviewEndpoints {
public:
    UrlPreviewEndpoints(handlers::UrlPreviews& previews, const core::Config& config, const core::Clock& clock)
        : previews_{previews}, config_{config}, clock_{clock} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> preview(http::Request request);

    handlers::UrlPreviews& previews_;
    const core::Config& config_;
    const core::Clock& clock_;
};

}  // namespace weft::rest
