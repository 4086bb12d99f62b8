#pragma once

#include "weft/core/config.hpp"
#include "weft/core/task.hpp"
#include "weft/handlers/media/media_repository.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// The content repository: upload, download, thumbnails; with an access token under /_matrix/client/v1/media,
/// and the older endpoints under /_matrix/media.
class MediaEndpoints {
public:
    MediaEndpoints(handlers::MediaRepository& media, const core::Config& config)
        : media_{media}, config_{config} {}
    void register_on(http::Router& router);

private:
    void register_uploads(http::Router& router);
    void register_downloads(http::Router& router);

    Task<http::Response> upload(http::Request request);
    Task<http::Response> create(http::Request request);
    Task<http::Response> upload_announced(http::Request request);
    Task<http::Response> get_config(http::Request request);
    Task<http::Response> download(bool is_authenticated, http::Request request);
    Task<http::Response> thumbnail(bool is_authenticated, http::Request request);

    handlers::MediaRepository& media_;
    const core::Config& config_;
};

}  // namespace weft::rest
