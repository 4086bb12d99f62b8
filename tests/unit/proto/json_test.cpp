#include "weft/proto/json.hpp"

#include <catch2/catch.hpp>

#include "weft/proto/json_writer.hpp"

using namespace weft::proto;

namespace {

std::string canonical(std::string_view text) {
    return canonical_json(parse_json(text).value());
}

}  // namespace

TEST_CASE("canonical JSON matches the examples of the appendices", "[json]") {
    CHECK(canonical("{}") == "{}");
    CHECK(canonical(R"({"one": 1, "two": "Two"})") == R"({"one":1,"two":"Two"})");
    CHECK(canonical(R"({"b": "2", "a": "1"})") == R"({"a":"1","b":"2"})");
    CHECK(
        canonical(
            R"({"auth": {"success": true, "mxid": "@john.doe:example.com", "profile": {"display_name": "John Doe",
        "three_pids": [{"medium": "email", "address": "john.doe@example.org"},
                       {"medium": "msisdn", "address": "123456789"}]}}})") ==
        R"({"auth":{"mxid":"@john.doe:example.com","profile":{"display_name":"John Doe","three_pids":[{"address":"john.doe@example.org","medium":"email"},{"address":"123456789","medium":"msisdn"}]},"success":true}})");
    CHECK(canonical(R"({"a": "日本語"})") == R"({"a":"日本語"})");
    CHECK(canonical(R"({"本": 2, "日": 1})") == R"({"日":1,"本":2})");
    CHECK(canonical(R"({"a": "\u65E5"})") == R"({"a":"日"})");
    CHECK(canonical(R"({"a": null})") == R"({"a":null})");
    CHECK(canonical(R"({"a": -0, "b": 1e10})") == R"({"a":0,"b":10000000000})");
}

TEST_CASE("canonical JSON escapes control characters in lower case and nothing else", "[json]") {
    CHECK(canonical(R"(["\u0001\u001F\b\t\n\f\r\"\\\/\u007f"])") ==
          "[\"\\u0001\\u001f\\b\\t\\n\\f\\r\\\"\\\\/\x7f\"]");
    CHECK(canonical(R"(["\u0000"])") == "[\"\\u0000\"]");
    CHECK(canonical(R"(["\ud83d\ude00"])") == "[\"\xF0\x9F\x98\x80\"]");
}

TEST_CASE("keys sort by code point, not by UTF-16 unit", "[json]") {
    // U+FF61 sorts before U+10002, though its UTF-16 unit is greater than a surrogate.
    CHECK(canonical(R"({"\ud800\udc02": 1, "\uff61": 2})") == "{\"\xEF\xBD\xA1\":2,\"\xF0\x90\x80\x82\":1}");
}

TEST_CASE("floats of old rooms are written in their shortest form", "[json]") {
    CHECK(canonical("[50.57, 0.1, 1e-7, 1.5e300]") == "[50.57,0.1,1e-07,1.5e+300]");
}

TEST_CASE("the parser refuses what is not exactly one JSON value", "[json]") {
    for (const std::string text :
         {"", "{", "{}x", "[1,]", "nul", "{'a':1}", "[01]", "\"\xff\"", "\"\xc0\x80\"", "\"\\ud800\"",
          "\"\\ud800\\u0041\"", "\"\n\"", "NaN", "[1e400]", "// c\n{}"}) {
        INFO(text);
        CHECK_FALSE(parse_json(text).has_value());
    }
    CHECK(parse_json(" {} \n").has_value());
}

TEST_CASE("nesting is limited", "[json]") {
    const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    CHECK(parse_json(nested(100)).has_value());
    CHECK_FALSE(parse_json(nested(101)).has_value());
    CHECK_FALSE(parse_json(nested(100000)).has_value());
}

TEST_CASE("a repeated key is an error where asked, else the last one wins", "[json]") {
    const std::string text = R"({"a": {"k": 1, "k": 2}, "b": {"k": 3}})";
    JsonLimits strict;
    strict.allow_duplicate_keys = false;

    CHECK(canonical(text) == R"({"a":{"k":2},"b":{"k":3}})");
    const auto refused = parse_json(text, strict);
    REQUIRE(refused.has_error());
    CHECK(refused.error().message.find("\"k\"") != std::string::npos);
    CHECK(parse_json(R"({"a": {"k": 1}, "b": {"k": 3}})", strict).has_value());
    CHECK_FALSE(parse_json(R"({"a":1,"\u0061":2})", strict).has_value());
    CHECK_FALSE(parse_json(R"({"":1,"":2})", strict).has_value());
}

TEST_CASE("strict rooms take only integers within 2^53 - 1", "[json]") {
    const auto accepted = [](std::string_view text) {
        return check_canonical(parse_json(text).value()).has_value();
    };
    CHECK(accepted("[9007199254740991, -9007199254740991, {\"a\": [0]}]"));
    CHECK_FALSE(accepted("[9007199254740992]"));
    CHECK_FALSE(accepted("{\"a\":{\"b\":[-9007199254740992]}}"));
    CHECK_FALSE(accepted("[18446744073709551615]"));
    CHECK_FALSE(accepted("[1.5]"));
    CHECK_FALSE(accepted("[1e3]"));
}

TEST_CASE("lookups treat the wrong type as absent", "[json]") {
    const auto object =
        parse_json_object(R"({"s":"x","i":5,"b":true,"o":{},"a":[],"f":1.5,"u":18446744073709551615})")
            .value();
    CHECK(get_string(object, "s") == "x");
    CHECK_FALSE(get_string(object, "i"));
    CHECK(get_int(object, "i") == 5);
    CHECK_FALSE(get_int(object, "f"));
    CHECK_FALSE(get_int(object, "u"));
    CHECK_FALSE(get_int(object, "b"));
    CHECK(get_bool(object, "b") == true);
    CHECK(get_object(object, "o") != nullptr);
    CHECK(get_object(object, "a") == nullptr);
    CHECK(get_array(object, "a") != nullptr);
    CHECK(find(object, "none") == nullptr);
}

TEST_CASE("top-level keys can be left out of the canonical form", "[json]") {
    const auto object = parse_json_object(R"({"b":{"x":1},"x":2,"a":3})").value();
    static constexpr std::string_view kWithout[] = {"x"};
    CHECK(canonical_json_without(object, kWithout) == R"({"a":3,"b":{"x":1}})");
}

TEST_CASE("text is cut between code points", "[json]") {
    CHECK(truncate_utf8("aé", 2) == "a");
    CHECK(truncate_utf8("aé", 3) == "aé");
    CHECK(truncate_utf8("日本", 5) == "日");
}

TEST_CASE("UTF-8 is checked to the letter", "[json]") {
    CHECK(is_valid_utf8("aé日\xF0\x9F\x98\x80"));
    for (const std::string text : {"\x80", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                   "\xc3", "\xf8\x88\x80\x80\x80"}) {
        CHECK_FALSE(is_valid_utf8(text));
    }
}

TEST_CASE("the writer sets commas itself and takes raw fragments", "[json]") {
    JsonWriter writer;
    writer.begin_object().member("a", 1).key("b").begin_array().value("x\n").value(true).value(nullptr).raw(
        "{\"r\":1}");
    writer.begin_object().end_object().end_array().key("c").value(json::value{1, 2});
    writer.key("d").begin_raw_value() += "[]";
    writer.member("e", std::uint32_t{7}).end_object();

    CHECK(writer.take() == R"({"a":1,"b":["x\n",true,null,{"r":1},{}],"c":[1,2],"d":[],"e":7})");
    CHECK(writer.empty());
}
