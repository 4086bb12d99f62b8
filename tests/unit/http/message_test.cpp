#include <catch2/catch.hpp>

#include "weft/core/errors.hpp"
#include "weft/http/message.hpp"

namespace weft::http {
namespace {

std::string errcode_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const core::MatrixError& error) {
        return error.errcode;
    }
    return "";
}

}  // namespace

TEST_CASE("methods are read as they are written, letters and all", "[http]") {
    for (const auto method : {Method::kGet, Method::kPost, Method::kPut, Method::kDelete, Method::kHead,
                              Method::kOptions, Method::kPatch}) {
        CHECK(parse_method(to_string(method)) == method);
    }
    CHECK_FALSE(parse_method("get"));
    CHECK_FALSE(parse_method("OTHER"));
}

TEST_CASE("header names compare without case, the first value wins, set replaces all", "[http]") {
    Headers headers;
    headers.add("X-A", "1");
    headers.add("x-a", "2");

    CHECK(headers.get("X-a") == "1");
    CHECK_FALSE(headers.get("X-B"));

    headers.set("x-A", "3");

    CHECK(headers.get("X-A") == "3");
    CHECK(headers.all().size() == 1);
}

TEST_CASE("query parameters of the wrong type are M_INVALID_PARAM", "[http]") {
    Request request;
    request.query = {
        {"limit", "12"}, {"bad", "1x"}, {"big", "99999999999999999999"}, {"on", "true"}, {"off", "false"}};

    CHECK(request.query_int("limit") == 12);
    CHECK_FALSE(request.query_int("absent"));
    CHECK(errcode_of([&] { request.query_int("bad"); }) == "M_INVALID_PARAM");
    CHECK(errcode_of([&] { request.query_int("big"); }) == "M_INVALID_PARAM");
    CHECK(request.query_bool("on") == true);
    CHECK(request.query_bool("off") == false);
    CHECK_FALSE(request.query_bool("absent"));
    CHECK(errcode_of([&] { request.query_bool("limit"); }) == "M_INVALID_PARAM");
}

TEST_CASE("a body is M_NOT_JSON if it is none and M_BAD_JSON if it is no object", "[http]") {
    Request request;

    CHECK(errcode_of([&] { request.json_body(); }) == "M_NOT_JSON");
    CHECK(request.json_body(true).empty());

    request.body = "[1]";
    CHECK(errcode_of([&] { request.json_body(); }) == "M_BAD_JSON");

    request.body = R"({"a": )";
    CHECK(errcode_of([&] { request.json_body(true); }) == "M_NOT_JSON");

    request.body = R"({"a": 1})";
    CHECK(request.json_body().at("a") == 1);
}

TEST_CASE("a response from JSON is compact and keeps its status", "[http]") {
    const auto response = Response::json({{"a", 1}}, 201);

    CHECK(response.status == 201);
    CHECK(response.body == R"({"a":1})");
    CHECK(response.content_type == "application/json");
}

}  // namespace weft::http
