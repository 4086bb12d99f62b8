#include "media_fixture.hpp"

#include <catch2/catch.hpp>

namespace weft::test {
namespace {

core::Config unfrozen() {
    auto config = HomeserverFixture::roomy_config();
    config.media.require_authentication = false;
    return config;
}

std::size_t files_below(const std::filesystem::path& root) {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{root})
        count += entry.is_regular_file() ? 1 : 0;
    return count;
}

}  // namespace

TEST_CASE("what was uploaded is downloaded, with the fields that protect browsers") {
    MediaFixture server;
    const std::string content(600'000, 'x');
    const auto id = server.upload("alice", content, "text/plain", "?filename=notes.txt");

    const auto got = server.fetch("bob", MediaFixture::download_path(id));

    CHECK(got.status == 200);
    CHECK(got.body == content);
    CHECK(got.type == "text/plain; charset=UTF-8");
    CHECK(got.field("Content-Disposition") == "inline; filename=\"notes.txt\"");
    CHECK(got.field("Content-Security-Policy").starts_with("sandbox; default-src 'none'"));
    CHECK(got.field("Cross-Origin-Resource-Policy") == "cross-origin");
    CHECK(server.fetch("bob", MediaFixture::download_path(id) + "/other.txt").field("Content-Disposition") ==
          "inline; filename=\"other.txt\"");
    CHECK(server.sql("SELECT sha256, media_length FROM local_media_repository").front().at(1) == "600000");
    const auto page = server.upload("alice", "<script>", "text/html");
    CHECK(server.fetch("bob", MediaFixture::download_path(page)).field("Content-Disposition") ==
          "attachment");
}

TEST_CASE("media uploaded since the freeze are not on the older endpoints, those from before are") {
    MediaFixture frozen;
    const auto id = frozen.upload("alice", "x");
    CHECK(frozen.fetch("", MediaFixture::old_download_path(id)).errcode() == "M_NOT_FOUND");
    CHECK(frozen.fetch("", "/_matrix/media/r0/thumbnail/test/" + id + "?width=32&height=32").status == 404);
    CHECK(frozen.fetch("", MediaFixture::download_path(id)).errcode() == "M_MISSING_TOKEN");
    frozen.sql("UPDATE local_media_repository SET authenticated = false");
    CHECK(frozen.fetch("", MediaFixture::old_download_path(id)).status == 200);

    MediaFixture open{unfrozen()};
    const auto free = open.upload("alice", "x");
    CHECK(open.fetch("", MediaFixture::old_download_path(free)).body == "x");
    CHECK(open.fetch("", "/_matrix/media/v1/download/test/" + free + "?allow_remote=false").body == "x");
}

TEST_CASE("an empty filename at the end of a download's path is none") {
    MediaFixture server{unfrozen()};
    const auto id = server.upload("alice", "some cloth", "text/plain", "?filename=cloth.txt");
    for (const auto& path : {MediaFixture::download_path(id), MediaFixture::old_download_path(id)}) {
        const auto answer = server.fetch("bob", path + "/");
        CHECK(answer.status == 200);
        CHECK(answer.body == "some cloth");
        CHECK(answer.field("Content-Disposition") == "inline; filename=\"cloth.txt\"");
    }
    CHECK(server.fetch("bob", "/_matrix/media/v3/thumbnail/test/" + id + "/?width=32&height=32").status ==
          404);
}

TEST_CASE("a part of a medium can be downloaded") {
    MediaFixture server;
    const auto path = MediaFixture::download_path(server.upload("alice", "0123456789"));

    const auto part = server.fetch("alice", path, "bytes=2-4");

    CHECK(part.status == 206);
    CHECK(part.body == "234");
    CHECK(part.field("Content-Range") == "bytes 2-4/10");
    CHECK(server.fetch("alice", path, "bytes=10-").status == 416);
}

TEST_CASE("an announced upload can be made once, by who announced it") {
    MediaFixture server;
    const auto announced = server.send("alice", "/_matrix/media/v1/create", "{}");
    const auto id = MediaFixture::id_of(announced.text("content_uri"));
    const auto put = [&](const std::string& token, const std::string& body) {
        return server.ask(*server.master, http::Method::kPut, token, "/_matrix/media/v3/upload/test/" + id,
                          body, "image/png");
    };
    CHECK(announced.json().at("unused_expires_at").as_int64() > server.master->clock.now_ms());

    const auto early = server.fetch("bob", MediaFixture::download_path(id) + "?timeout_ms=0");
    CHECK(early.status == 504);
    CHECK(early.errcode() == "M_NOT_YET_UPLOADED");
    CHECK(put("bob", "x").errcode() == "M_FORBIDDEN");
    CHECK(put("alice", "content").status == 200);
    const auto again = put("alice", "other");
    CHECK(again.status == 409);
    CHECK(again.errcode() == "M_CANNOT_OVERWRITE_MEDIA");
    CHECK(server.fetch("bob", MediaFixture::download_path(id)).body == "content");
    CHECK(files_below(server.root) == 1);
}

TEST_CASE("somebody who asks before the upload has come waits for it") {
    MediaFixture server;
    const auto id =
        MediaFixture::id_of(server.send("alice", "/_matrix/media/v1/create", "{}").text("content_uri"));
    std::optional<MediaFixture::Got> answer;
    asio::co_spawn(
        server.io,
        server.exchange(*server.master, http::Method::kGet, "bob", MediaFixture::download_path(id)),
        [&](std::exception_ptr, MediaFixture::Got got) { answer = std::move(got); });
    server.ask(*server.master, http::Method::kPut, "alice", "/_matrix/media/v3/upload/test/" + id, "x",
               "image/png");

    server.run_until([&] { return answer.has_value(); });

    CHECK(answer->status == 200);
    CHECK(answer->body == "x");
}

TEST_CASE("announcements are limited, expire, and are forgotten") {
    auto config = HomeserverFixture::roomy_config();
    config.media.pending_uploads_max = 2;
    MediaFixture server{config};
    const auto create = [&] { return server.send("alice", "/_matrix/media/v1/create", "{}"); };
    const auto id = MediaFixture::id_of(create().text("content_uri"));
    create();
    const auto refused = create();
    CHECK(refused.status == 429);
    CHECK(refused.errcode() == "M_LIMIT_EXCEEDED");

    server.sql("UPDATE local_media_repository SET created_ts = created_ts - 25 * 3600000");
    CHECK(create().status == 200);
    CHECK(server.ask(*server.master, http::Method::kPut, "alice", "/_matrix/media/v3/upload/test/" + id, "x")
              .status == 404);
    server.run(server.master->services.media.repository.remove_unused());
    CHECK(server.sql("SELECT count(*) FROM local_media_repository").front().front() == "1");
}

TEST_CASE("thumbnails are scaled or cropped, made once, and never larger than the image") {
    MediaFixture server;
    const auto id = server.upload("alice", png_image(1'000, 500));
    const auto small = server.upload("alice", png_image(20, 10));
    const auto get = [&](const std::string& which, const std::string& query) {
        return server.fetch("alice", MediaFixture::thumbnail_of(which, query));
    };

    const auto scaled = get(id, "width=300&height=200&method=scale");
    CHECK(scaled.status == 200);
    CHECK(scaled.type == "image/jpeg");
    CHECK(scaled.field("Content-Disposition") == "inline; filename=\"thumbnail.jpg\"");
    CHECK(image_size(scaled.body) == "320x160");
    CHECK(image_size(get(id, "width=90&height=90&method=crop").body) == "96x96");
    CHECK(image_size(get(small, "width=300&height=200").body) == "20x10");
    CHECK(get(id, "width=300&height=200&method=scale").body == scaled.body);
    CHECK(server.sql("SELECT count(*) FROM local_media_repository_thumbnails").front().front() == "3");
}

TEST_CASE("what has no thumbnail is refused as the specification says") {
    auto config = HomeserverFixture::roomy_config();
    config.media.image_pixels_max = 100'000;
    MediaFixture server{config};
    const auto text = server.upload("alice", "no image at all", "image/png");
    const auto large = server.upload("alice", png_image(1'000, 500));
    const auto svg = server.upload("alice", "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
                                   "image/svg+xml");
    const auto get = [&](const std::string& which, const std::string& query) {
        return server.fetch("alice", MediaFixture::thumbnail_of(which, query));
    };

    CHECK(get(text, "width=32&height=32").status == 400);
    CHECK(get(text, "width=32&height=32").errcode() == "M_UNKNOWN");
    CHECK(get(svg, "width=32&height=32").status == 400);
    CHECK(get(large, "width=32&height=32").status == 413);
    CHECK(get(large, "width=32").errcode() == "M_MISSING_PARAM");
    CHECK(get(large, "width=-1&height=32").status == 400);
    CHECK(get(large, "width=x&height=32").errcode() == "M_INVALID_PARAM");
    CHECK(get(large, "width=32&height=32&method=stretch").status == 400);
    CHECK(get("unknownmedia", "width=32&height=32").errcode() == "M_NOT_FOUND");
}

TEST_CASE("media of another server are served from the cache and else are not found") {
    MediaFixture server;
    server.sql(
        "INSERT INTO remote_media_cache (media_origin, media_id, media_type, created_ts, upload_name, "
        "media_length, filesystem_id) "
        "VALUES ('far.example', 'theirid', 'image/png', 1, 'far.png', 3, 'abcdefgh')");
    server.write_file("remote_content/far.example/ab/cd/efgh", "far");

    const auto known = server.fetch("alice", "/_matrix/client/v1/media/download/far.example/theirid");
    CHECK(known.body == "far");
    CHECK(known.field("Content-Disposition") == "inline; filename=\"far.png\"");
    const auto unknown = server.fetch("alice", "/_matrix/client/v1/media/download/far.example/another");
    CHECK(unknown.status == 404);
    CHECK(unknown.errcode() == "M_NOT_FOUND");
    CHECK(server.fetch("", "/_matrix/media/v3/download/..%2f..%2fetc/passwd").status == 404);
}

TEST_CASE("a media store of Synapse is served as it is") {
    MediaFixture server;
    server.sql(
        "INSERT INTO local_media_repository (media_id, media_type, media_length, created_ts, user_id) "
        "VALUES ('GerZNDnDZVjsOtardLuwfIBg', 'image/png', 5, 1, '@alice:test');"
        "INSERT INTO local_media_repository_thumbnails (media_id, thumbnail_width, thumbnail_height, "
        "thumbnail_type, "
        "thumbnail_method, thumbnail_length) VALUES ('GerZNDnDZVjsOtardLuwfIBg', 320, 100, 'image/png', "
        "'scale', 5)");
    server.write_file("local_content/Ge/rZ/NDnDZVjsOtardLuwfIBg", "image");
    server.write_file("local_thumbnails/Ge/rZ/NDnDZVjsOtardLuwfIBg/320-100-image-png-scale", "small");

    CHECK(server.fetch("", MediaFixture::old_download_path("GerZNDnDZVjsOtardLuwfIBg")).body == "image");
    CHECK(server.fetch("alice", MediaFixture::thumbnail_of("GerZNDnDZVjsOtardLuwfIBg", "width=300&height=90"))
              .body == "small");
}

TEST_CASE("any process serves what another one stored") {
    MediaFixture server;
    auto& worker = server.start_worker("media1");
    const auto answer = server.ask(worker, http::Method::kPost, "alice", "/_matrix/media/v3/upload",
                                   png_image(100, 100), "image/png");
    const auto id = MediaFixture::id_of(answer.text("content_uri"));

    CHECK(server.fetch("bob", MediaFixture::download_path(id)).status == 200);
    CHECK(server.fetch("bob", MediaFixture::thumbnail_of(id, "width=32&height=32&method=crop")).status ==
          200);
    CHECK(server
              .ask(worker, http::Method::kGet, "bob",
                   MediaFixture::thumbnail_of(id, "width=32&height=32&method=crop"))
              .status == 200);
    CHECK(server.sql("SELECT count(*) FROM local_media_repository_thumbnails").front().front() == "1");
}

TEST_CASE("the limit of uploads is told, and media can be switched off") {
    MediaFixture server;
    CHECK(server.fetch("alice", "/_matrix/client/v1/media/config")
              .json()
              .at("m.upload.size")
              .to_number<int>() == 50 * 1024 * 1024);
    CHECK(server.fetch("alice", "/_matrix/media/v3/config").status == 200);
    auto config = HomeserverFixture::roomy_config();
    config.media.enabled = false;
    MediaFixture without{config};
    CHECK(without.fetch("alice", "/_matrix/client/v1/media/config").errcode() == "M_UNRECOGNIZED");
}

}  // namespace weft::test
