#include <catch2/catch.hpp>

#include "weft/http/uri.hpp"

namespace weft::http {

TEST_CASE("percent-encoding keeps unreserved characters only", "[http]") {
    CHECK(percent_encode("aZ09-._~") == "aZ09-._~");
    CHECK(percent_encode("!room:a b/ü") == "%21room%3Aa%20b%2F%C3%BC");
}

TEST_CASE("percent-decoding undoes encoding", "[http]") {
    const std::string text = "@alice:example.org/ ü€😀%+";

    CHECK(percent_decode(percent_encode(text)) == text);
}

TEST_CASE("percent-decoding refuses what is broken, no UTF-8, or holds a NUL", "[http]") {
    for (const auto* text : {"%", "%2", "a%zz", "%ff", "%C3", "%ED%A0%80", "%00", "%c0%80"}) {
        CAPTURE(text);
        CHECK_FALSE(percent_decode(text));
    }
}

TEST_CASE("a plus sign is a blank in a query and itself in a path", "[http]") {
    CHECK(percent_decode("a+b") == "a+b");
    CHECK(parse_query("q=a+b") == Query{{"q", "a b"}});
}

TEST_CASE("a query keeps duplicates, order, empty values and names without value", "[http]") {
    CHECK(parse_query("via=a&via=b&&x=&flag&e=1=2") ==
          Query{{"via", "a"}, {"via", "b"}, {"x", ""}, {"flag", ""}, {"e", "1=2"}});
    CHECK(parse_query("") == Query{});
    CHECK_FALSE(parse_query("a=%ff"));
    CHECK_FALSE(parse_query("%f=1"));
}

TEST_CASE("a request target is split into path and query", "[http]") {
    const auto check = [](std::string_view target, std::string_view path, std::string_view query) {
        CAPTURE(target);
        const auto split = split_target(target);
        CHECK(split.path == path);
        CHECK(split.query == query);
    };
    check("/a/b?c=d?e", "/a/b", "c=d?e");
    check("/a", "/a", "");
    check("http://host:80/a?b", "/a", "b");
    check("http://host", "/", "");
    check("http://host?q=1", "/", "q=1");
    check("/redirect?to=http://host/x", "/redirect", "to=http://host/x");
    check("*", "*", "");
}

}  // namespace weft::http
