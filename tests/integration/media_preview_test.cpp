#include "media_fixture.hpp"

#include <catch2/catch.hpp>

#include "weft/http/server.hpp"

namespace weft::test {
namespace {

core::Config previewing(std::vector<std::string> allowed) {
    auto config = HomeserverFixture::roomy_config();
    config.media.previews_enabled = true;
    config.media.preview_blocked_networks = {"127.0.0.0/8", "10.0.0.0/8", "::1"};
    config.media.preview_allowed_networks = std::move(allowed);
    config.media.preview_bytes_max = 100'000;
    return config;
}

/// A homeserver, and a web site that it may look at.
struct PreviewFixture : MediaFixture {
    explicit PreviewFixture(std::vector<std::string> allowed = {"127.0.0.1"})
        : MediaFixture{previewing(std::move(allowed))} {
        add("/page", "text/html; charset=utf-8",
            "<title>A page</title><meta property=og:description content=About><meta property=og:image "
            "content=/cat.png>");
        add("/cat.png", "image/png", png_image(12, 10));
        add("/plain", "text/plain", "nothing to see");
        add("/huge", "text/html", std::string(200'000, 'x'));
        add("/missing", "text/html", "gone", 404);
        core::ListenerConfig listener;
        listener.port = 0;
        site.emplace(io.get_executor(), routes, listener, std::vector<std::string>{});
        site->start();
    }
    ~PreviewFixture() { run(stop()); }

    Got preview(const std::string& path) {
        const auto url =
            path.starts_with('/') ? fmt::format("http://127.0.0.1:{}{}", site->port(), path) : path;
        return fetch("alice", "/_matrix/client/v1/media/preview_url?url=" + http::percent_encode(url));
    }

    http::Router routes;
    std::optional<http::Server> site;
    int visits = 0;

private:
    Task<bool> stop() {
        co_await site->stop(0);
        co_return true;
    }
    void add(const std::string& path, const std::string& type, const std::string& body, int status = 200) {
        http::Endpoint endpoint;
        endpoint.paths = {path};
        endpoint.operation = "site";
        endpoint.auth = http::Auth::kNone;
        routes.add(endpoint, [=, this](http::Request) -> Task<http::Response> {
            ++visits;
            http::Response response{status, body};
            response.content_type = type;
            co_return response;
        });
    }
};

}  // namespace

TEST_CASE("a preview has the page's title, description and picture, and is kept") {
    PreviewFixture server;

    const auto preview = server.preview("/page").json();

    CHECK(preview.at("og:title").as_string() == "A page");
    CHECK(preview.at("og:description").as_string() == "About");
    CHECK(preview.at("og:image:type").as_string() == "image/png");
    CHECK(preview.at("matrix:image:size").as_int64() == static_cast<std::int64_t>(png_image(12, 10).size()));
    CHECK(preview.at("og:image:width").as_int64() == 12);
    CHECK(preview.at("og:image:height").as_int64() == 10);
    const auto id = MediaFixture::id_of(std::string{preview.at("og:image").as_string()});
    CHECK(server.fetch("alice", MediaFixture::download_path(id)).body == png_image(12, 10));
    CHECK(server.visits == 2);
    CHECK(server.preview("/page").json() == preview);
    CHECK(server.visits == 2);

    server.sql(
        "UPDATE local_media_repository_url_cache SET expires_ts = 1; UPDATE local_media_repository SET "
        "created_ts = 1");
    server.run(server.master->services.media.previews.expire());
    CHECK(server.sql("SELECT count(*) FROM local_media_repository_url_cache").front().front() == "0");
    CHECK(server.fetch("alice", MediaFixture::download_path(id)).status == 404);
}

TEST_CASE("a picture is its own preview, other files have none") {
    PreviewFixture server;

    CHECK(server.preview("/cat.png").json().at("og:image").as_string().starts_with("mxc://test/"));
    CHECK(server.preview("/plain").json().empty());
}

TEST_CASE("what cannot be fetched has no preview") {
    PreviewFixture server;

    CHECK(server.preview("/missing").status == 502);
    CHECK(server.preview("/huge").status == 502);
    CHECK(server.preview("ftp://127.0.0.1/").status == 400);
    CHECK(server.preview("http://user:secret@127.0.0.1/").status == 400);
    CHECK(server.preview("http://").status == 502);
    CHECK(server.fetch("alice", "/_matrix/client/v1/media/preview_url").errcode() == "M_MISSING_PARAM");
}

TEST_CASE("a blocked network is never asked, by whatever name") {
    PreviewFixture server{{}};
    const auto port = server.site->port();

    CHECK(server.preview("/page").status == 502);
    CHECK(server.preview(fmt::format("http://localhost:{}/page", port)).status == 502);
    CHECK(server.preview(fmt::format("http://[::ffff:127.0.0.1]:{}/page", port)).status == 502);
    CHECK(server.visits == 0);
}

TEST_CASE("previews are off unless they are switched on") {
    MediaFixture server;
    CHECK(server.fetch("alice", "/_matrix/client/v1/media/preview_url?url=http://example.org").errcode() ==
          "M_UNRECOGNIZED");
}

}  // namespace weft::test
