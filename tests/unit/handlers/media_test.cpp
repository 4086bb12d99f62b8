#include <catch2/catch.hpp>

#include "weft/core/errors.hpp"
#include "weft/handlers/media/media_paths.hpp"
#include "weft/handlers/media/s3_store.hpp"
#include "weft/handlers/media/thumbnails.hpp"

namespace weft::handlers {
namespace {

storage::Media media(std::string origin, std::string file_id) {
    storage::Media out;
    out.key = {std::move(origin), file_id};
    out.file_id = std::move(file_id);
    return out;
}

storage::Media fetched(std::string file_id) {
    auto out = media("", std::move(file_id));
    out.url_cache = "https://example.org/";
    return out;
}

std::string chosen(int width, int height, std::string method, bool dynamic = false) {
    core::MediaConfig config;
    config.dynamic_thumbnails = dynamic;
    const auto size = choose_thumbnail_size(config, {width, height, std::move(method), false});
    return fmt::format("{}x{} {}", size.width, size.height, size.method);
}

}  // namespace

TEST_CASE("media are where Synapse puts them") {
    const storage::Thumbnail thumbnail{32, 24, "crop", "image/png", 100};

    CHECK(media_path(media("", "GerZNDnDZVjsOtardLuwfIBg")) == "local_content/Ge/rZ/NDnDZVjsOtardLuwfIBg");
    CHECK(thumbnail_path(media("", "GerZNDnDZVjsOtardLuwfIBg"), thumbnail) ==
          "local_thumbnails/Ge/rZ/NDnDZVjsOtardLuwfIBg/32-24-image-png-crop");
    CHECK(media_path(media("far.example:8448", "abcdefgh")) == "remote_content/far.example:8448/ab/cd/efgh");
    CHECK(thumbnail_path(media("far.example:8448", "abcdefgh"), thumbnail) ==
          "remote_thumbnail/far.example:8448/ab/cd/efgh/32-24-image-png");
    CHECK(media_path(fetched("2017-09-28_fsdRDt24DS234dsf")) == "url_cache/2017-09-28/fsdRDt24DS234dsf");
    CHECK(thumbnail_path(fetched("2017-09-28_fsdRDt24DS234dsf"), thumbnail) ==
          "url_cache_thumbnails/2017-09-28/fsdRDt24DS234dsf/32-24-image-png-crop");
    CHECK(media_path(fetched("GerZNDnDZVjsOtardLuwfIBg")) == "url_cache/Ge/rZ/NDnDZVjsOtardLuwfIBg");
}

TEST_CASE("no media ID and no server name leads out of the media store") {
    CHECK(is_media_id("abc-DEF_123"));
    for (const auto* id : {"", "../etc", "a/b", "a.b", "a b", "a%2fb", "\xc3\xa4"})
        CHECK_FALSE(is_media_id(id));
    CHECK_FALSE(is_media_id(std::string(256, 'a')));
    CHECK_THROWS_AS(media_path(media("", "ab")), core::MatrixError);
    CHECK_THROWS_AS(media_path(media("", "../../../passwd")), core::MatrixError);
    CHECK_THROWS_AS(media_path(media("..", "abcdefgh")), core::MatrixError);
    CHECK_THROWS_AS(media_path(media("a/b", "abcdefgh")), core::MatrixError);
}

TEST_CASE("a thumbnail is made in the smallest configured size that is not smaller than what is asked for") {
    CHECK(chosen(32, 32, "crop") == "32x32 crop");
    CHECK(chosen(33, 10, "crop") == "96x96 crop");
    CHECK(chosen(300, 100, "scale") == "320x240 scale");
    CHECK(chosen(320, 241, "scale") == "640x480 scale");
    CHECK(chosen(5000, 5000, "scale") == "800x600 scale");
    CHECK(chosen(10, 10, "scale") == "320x240 scale");
    CHECK(chosen(400, 400, "crop") == "640x480 scale");
    CHECK(chosen(400, 300, "crop", true) == "400x300 crop");
}

TEST_CASE("a thumbnail that is there is found, whoever made it") {
    const core::ThumbnailSize scaled{320, 240, "scale"};
    const storage::Thumbnail ours{320, 240, "scale", "image/jpeg", 1};
    const storage::Thumbnail of_synapse{320, 213, "scale", "image/png", 1};
    const storage::Thumbnail moving{320, 240, "scale", "image/webp", 1};
    const storage::Thumbnail cropped{320, 240, "crop", "image/png", 1};

    CHECK(find_thumbnail({cropped, ours}, scaled, false)->method == "scale");
    CHECK(find_thumbnail({of_synapse}, scaled, false)->height == 213);
    CHECK(find_thumbnail({ours, moving}, scaled, true)->type == "image/webp");
    CHECK_FALSE(find_thumbnail({moving}, scaled, false));
    CHECK_FALSE(find_thumbnail({ours}, scaled, true));
    CHECK_FALSE(find_thumbnail({of_synapse}, {96, 96, "crop"}, false));
}

// The expected value was computed with another implementation of the signature (Python's hmac and hashlib).
TEST_CASE("requests to S3 are signed with AWS Signature Version 4") {
    core::S3Config config;
    config.region = "eu-central-1";
    config.access_key_id = "AKIDEXAMPLE";
    config.secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    const S3Request request{"GET", "s3.example:9000", "/media/local_content/ab/cd/efgh",
                            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"};

    CHECK(s3_date(1'440'938'160'000) == "20150830T123600Z");
    CHECK(s3_authorization(config, request, "20150830T123600Z") ==
          "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-central-1/s3/aws4_request, "
          "SignedHeaders=host;x-amz-content-sha256;x-amz-date, "
          "Signature=00a00bac525d499844018d63f2f7ab3dac6e8f80ba4ee68273aa2b93023a5049");
}

}  // namespace weft::handlers
