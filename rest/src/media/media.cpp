#include "weft/rest/media/media.hpp"

#include <functional>

#include "client/worker_kinds.hpp"
#include "media/media_response.hpp"
#include "weft/core/errors.hpp"
#include "weft/proto/json.hpp"

namespace weft::rest {
namespace {

constexpr std::int64_t kDefaultWaitMs = 20'000;
constexpr std::int64_t kTransferMs = 300'000;
constexpr std::size_t kContentTypeBytesMax = 255;
constexpr std::size_t kFilenameBytesMax = 1'024;

handlers::Upload read_upload(http::Request& request) {
    handlers::Upload upload;
    upload.user_id = request.auth().user_id;
    const auto type = request.headers.get("Content-Type").value_or("");
    upload.content_type = type.empty() ? "application/octet-stream" : std::string{type};
    if (upload.content_type.size() > kContentTypeBytesMax || !proto::is_valid_utf8(upload.content_type))
        throw core::MatrixError::unknown("The content type is no content type");
    if (const auto name = request.query_param("filename"); name && !name->empty()) {
        if (name->size() > kFilenameBytesMax)
            throw core::MatrixError::invalid_param("The filename is too long");
        upload.filename = std::string{*name};
    }
    upload.body = request.take_body();
    return upload;
}

handlers::MediaQuery read_query(const http::Request& request, bool is_authenticated) {
    handlers::MediaQuery query;
    query.origin = request.param("serverName");
    query.media_id = request.param("mediaId");
    query.is_authenticated = is_authenticated;
    query.timeout_ms = std::max<std::int64_t>(0, request.query_int("timeout_ms").value_or(kDefaultWaitMs));
    // Parameters of the older endpoints; media of other servers are served from the cache only, so there is
    // nothing that allow_remote=false would forbid.
    request.query_bool("allow_remote");
    request.query_bool("allow_redirect");
    return query;
}

int side(const http::Request& request, std::string_view name) {
    const auto value = request.query_int(name);
    if (!value) throw core::MatrixError::missing_param(fmt::format("Missing query parameter '{}'", name));
    if (*value < 1 || *value > 1'000'000)
        throw core::MatrixError::unknown("The thumbnail's size makes no sense");
    return static_cast<int>(*value);
}

handlers::ThumbnailRequest read_thumbnail(const http::Request& request) {
    handlers::ThumbnailRequest wish;
    wish.width = std::min(side(request, "width"), 10'000);
    wish.height = std::min(side(request, "height"), 10'000);
    wish.method = std::string{request.query_param("method").value_or("scale")};
    if (wish.method != "crop" && wish.method != "scale")
        throw core::MatrixError::unknown("The thumbnail's method is crop or scale");
    wish.animated = request.query_bool("animated").value_or(false);
    return wish;
}

/// /_matrix/media/{v3,r0,v1} + tail.
std::vector<std::string> older_paths(std::string_view tail) {
    std::vector<std::string> out;
    for (const std::string_view version : {"v3", "r0", "v1"})
        out.push_back(fmt::format("/_matrix/media/{}{}", version, tail));
    return out;
}

/// image/png: thumbnail.png
std::string thumbnail_name(std::string_view type) {
    return "thumbnail." + std::string{type == "image/jpeg" ? "jpg" : type.substr(type.find('/') + 1)};
}

}  // namespace

void MediaEndpoints::register_on(http::Router& router) {
    if (!config_.media.enabled) return;
    register_uploads(router);
    register_downloads(router);
}

void MediaEndpoints::register_uploads(http::Router& router) {
    http::Endpoint upload{.method = http::Method::kPost,
                          .paths = older_paths("/upload"),
                          .operation = "uploadContent",
                          .workers = kOnMedia,
                          .body_bytes_max = config_.media.upload_bytes_max,
                          .streams_body = true,
                          .timeout_ms = kTransferMs};
    router.add(upload, std::bind_front(&MediaEndpoints::upload, this));
    upload.method = http::Method::kPut;
    upload.paths = older_paths("/upload/{serverName}/{mediaId}");
    upload.operation = "uploadContentToMXC";
    router.add(upload, std::bind_front(&MediaEndpoints::upload_announced, this));
    router.add({.method = http::Method::kPost,
                .paths = {"/_matrix/media/v1/create"},
                .operation = "createContent",
                .workers = kOnMedia},
               std::bind_front(&MediaEndpoints::create, this));
}

void MediaEndpoints::register_downloads(http::Router& router) {
    struct Form {
        bool is_authenticated;
        http::Auth auth;
        std::string_view suffix;  // of the operation
        std::function<std::vector<std::string>(std::string_view)> paths;
    };
    const Form forms[] = {
        {true, http::Auth::kGuestToo, "Authed",
         [](std::string_view tail) { return http::client_paths({"v1"}, fmt::format("/media{}", tail)); }},
        {false, http::Auth::kNone, "", older_paths}};
    for (const auto& form : forms) {
        const auto add = [&](std::vector<std::string> paths, std::string operation, http::Handler handler) {
            router.add({.method = http::Method::kGet,
                        .paths = std::move(paths),
                        .operation = operation.append(form.suffix),
                        .auth = form.auth,
                        .workers = kOnMedia,
                        .timeout_ms = kTransferMs},
                       std::move(handler));
        };
        const auto download = std::bind_front(&MediaEndpoints::download, this, form.is_authenticated);
        // Some clients put an empty name at the end: they mean the file's own.
        auto plain = form.paths("/download/{serverName}/{mediaId}");
        for (auto& path : form.paths("/download/{serverName}/{mediaId}/")) plain.push_back(std::move(path));
        add(std::move(plain), "getContent", download);
        add(form.paths("/download/{serverName}/{mediaId}/{fileName}"), "getContentOverrideName", download);
        add(form.paths("/thumbnail/{serverName}/{mediaId}"), "getContentThumbnail",
            std::bind_front(&MediaEndpoints::thumbnail, this, form.is_authenticated));
        // The limit of uploads concerns those who may upload, in either form.
        router.add({.method = http::Method::kGet,
                    .paths = form.paths("/config"),
                    .operation = std::string{"getConfig"}.append(form.suffix),
                    .workers = kOnMedia},
                   std::bind_front(&MediaEndpoints::get_config, this));
    }
}

Task<http::Response> MediaEndpoints::upload(http::Request request) {
    auto media_id = co_await media_.upload(read_upload(request));
    co_return http::Response::json(boost::json::object{{"content_uri", media_.uri(media_id)}});
}

Task<http::Response> MediaEndpoints::create(http::Request request) {
    const auto announced = co_await media_.announce(request.auth().user_id);
    co_return http::Response::json(boost::json::object{{"content_uri", media_.uri(announced.media_id)},
                                                       {"unused_expires_at", announced.expires_ms}});
}

Task<http::Response> MediaEndpoints::upload_announced(http::Request request) {
    auto upload = read_upload(request);
    co_await media_.upload_announced(request.param("serverName"), request.param("mediaId"),
                                     std::move(upload));
    co_return http::Response::empty_object();
}

Task<http::Response> MediaEndpoints::get_config(http::Request) {
    co_return http::Response::json(boost::json::object{{"m.upload.size", config_.media.upload_bytes_max}});
}

Task<http::Response> MediaEndpoints::download(bool is_authenticated, http::Request request) {
    const auto found = co_await media_.content(read_query(request, is_authenticated));
    const auto wanted = request.path_params.find("fileName");
    const auto filename =
        wanted != request.path_params.end() ? std::optional{wanted->second} : found.media.upload_name;
    co_return media_response(request, found, filename);
}

Task<http::Response> MediaEndpoints::thumbnail(bool is_authenticated, http::Request request) {
    auto wish = read_thumbnail(request);
    const auto found = co_await media_.thumbnail(read_query(request, is_authenticated), std::move(wish));
    co_return media_response(request, found, thumbnail_name(found.type));
}

}  // namespace weft::rest
