#include <catch2/catch.hpp>

#include "weft/core/errors.hpp"
#include "weft/handlers/accounts/authenticator.hpp"

using namespace weft;
using handlers::access_token_of;

TEST_CASE("the access token is in the Authorization header, or else in the query", "[accounts]") {
    http::Request request;
    CHECK_FALSE(access_token_of(request));

    request.query.emplace_back("access_token", "from-query");
    CHECK(access_token_of(request) == "from-query");

    request.headers.set("Authorization", "Bearer from-header");
    CHECK(access_token_of(request) == "from-header");
}

TEST_CASE("the authentication scheme compares without case", "[accounts]") {
    http::Request request;
    request.headers.set("authorization", "bearer abc");
    CHECK(access_token_of(request) == "abc");
}

TEST_CASE("another authentication scheme is a missing token", "[accounts]") {
    const auto* header = GENERATE("Basic YTpi", "Bearer", "", "BearerX abc");
    http::Request request;
    request.headers.set("Authorization", header);
    CHECK_THROWS_AS(access_token_of(request), core::MatrixError);
}
