#include "weft/proto/request_signature.hpp"

#include <catch2/catch.hpp>

#include "x_matrix.hpp"

using namespace weft::proto;
using weft::test::x_matrix_parameter;

TEST_CASE("a signed request names both servers and can be verified by the other one") {
    const auto key = SigningKey::generate("a");
    const json::object content{{"mxid", "@a:here"}, {"list", json::array{2, 1}}};
    const auto header = x_matrix_authorization({"POST", "/some/path?query=1", "here", "there.example:8448", &content}, key);

    CHECK(header.starts_with("X-Matrix "));
    CHECK(x_matrix_parameter(header, "origin") == "here");
    CHECK(x_matrix_parameter(header, "destination") == "there.example:8448");
    CHECK(x_matrix_parameter(header, "key") == "ed25519:a");
    json::object received{{"method", "POST"},
                          {"uri", "/some/path?query=1"},
                          {"origin", "here"},
                          {"destination", "there.example:8448"},
                          {"content", content}};
    received["signatures"] = json::object{{"here", json::object{{"ed25519:a", x_matrix_parameter(header, "sig")}}}};
    const auto public_key = base64_decode(key.public_key_base64()).value();
    CHECK(verify_json(received, "here", "ed25519:a", public_key).has_value());
    received["uri"] = "/some/path?query=2";
    CHECK_FALSE(verify_json(received, "here", "ed25519:a", public_key).has_value());
}

TEST_CASE("a request without a body is signed without content") {
    const auto key = SigningKey::generate("a");
    const auto header = x_matrix_authorization({"GET", "/path", "here", "there"}, key);
    json::object received{{"method", "GET"}, {"uri", "/path"}, {"origin", "here"}, {"destination", "there"}};
    received["signatures"] = json::object{{"here", json::object{{"ed25519:a", x_matrix_parameter(header, "sig")}}}};
    CHECK(verify_json(received, "here", "ed25519:a", base64_decode(key.public_key_base64()).value()).has_value());
}
