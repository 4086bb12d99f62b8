#include <catch2/catch.hpp>

#include "media/media_response.hpp"

namespace weft::rest {
namespace {

std::string range(std::string_view field, std::uint64_t length) {
    ByteRange out;
    switch (parse_range(field, length, out)) {
        case RangeKind::kWhole:
            return "whole";
        case RangeKind::kUnsatisfiable:
            return "none";
        case RangeKind::kPart:
            break;
    }
    return fmt::format("{}-{}", out.first, out.last);
}

}  // namespace

TEST_CASE("only what no browser runs is shown inline") {
    CHECK(content_disposition("image/png", "cat.png") == "inline; filename=\"cat.png\"");
    CHECK(content_disposition("text/PLAIN; charset=utf-8", std::nullopt) == "inline");
    for (const auto* type :
         {"text/html", "image/svg+xml", "application/pdf", "application/javascript", "", "image"})
        CHECK(content_disposition(type, std::nullopt) == "attachment");
}

TEST_CASE("a filename cannot break out of its header field") {
    CHECK(content_disposition("image/png", "a\"b.png") == "inline; filename*=utf-8''a%22b.png");
    CHECK(content_disposition("image/png", "a\r\nSet-Cookie: b") ==
          "inline; filename*=utf-8''a%0D%0ASet-Cookie%3A%20b");
    CHECK(content_disposition("image/png", "ä.png") == "inline; filename*=utf-8''%C3%A4.png");
}

TEST_CASE("one range of bytes is understood, anything else is ignored") {
    CHECK(range("bytes=0-9", 100) == "0-9");
    CHECK(range("bytes=90-", 100) == "90-99");
    CHECK(range("bytes=90-1000", 100) == "90-99");
    CHECK(range("bytes=-10", 100) == "90-99");
    CHECK(range("bytes=-1000", 100) == "0-99");
    CHECK(range("bytes=100-", 100) == "none");
    CHECK(range("bytes=-0", 100) == "none");
    CHECK(range("bytes=0-", 0) == "none");
    for (const auto* field :
         {"", "bytes=", "bytes=-", "bytes=9-1", "bytes=a-b", "lines=1-2", "bytes=0-1,3-4", "bytes=1"})
        CHECK(range(field, 100) == "whole");
}

}  // namespace weft::rest
