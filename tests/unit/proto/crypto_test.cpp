#include "weft/proto/crypto.hpp"

#include <catch2/catch.hpp>

#include "room_fixture.hpp"

using namespace weft::proto;
using test::object;
using test::test_key;

TEST_CASE("unpadded base64 matches the examples of the appendices", "[crypto]") {
    const std::pair<std::string, std::string> examples[] = {
        {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},         {"foo", "Zm9v"},
        {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}};
    for (const auto& [bytes, text] : examples) {
        CHECK(base64_encode(bytes) == text);
        CHECK(base64_decode(text).value() == bytes);
    }
    CHECK(base64_decode("Zg==").value() == "f");
    CHECK(base64_encode("\xfb\xff") == "+/8");
    CHECK(base64_url_encode("\xfb\xff") == "-_8");
    CHECK(base64_url_decode("-_8").value() == "\xfb\xff");
    CHECK_FALSE(base64_decode("-_8").has_value());
    CHECK_FALSE(base64_decode("A").has_value());
    CHECK_FALSE(base64_decode("A B").has_value());
}

TEST_CASE("SHA-256 of the empty text is the known one", "[crypto]") {
    const auto hash = sha256("");
    CHECK(base64_encode(as_bytes(hash)) == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU");
}

TEST_CASE("signed JSON matches the vectors of the appendices", "[crypto]") {
    json::object empty;
    sign_json(empty, "domain", test_key());
    CHECK(
        canonical_json(empty) ==
        R"({"signatures":{"domain":{"ed25519:1":"K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZzuHGZKM5ZAQ"}}})");

    auto data = object(R"({"one":1,"two":"Two"})");
    sign_json(data, "domain", test_key());
    CHECK(
        canonical_json(data) ==
        R"({"one":1,"signatures":{"domain":{"ed25519:1":"KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw"}},"two":"Two"})");
}

TEST_CASE("signed events match the vectors of the appendices", "[crypto]") {
    const auto& version = RoomVersion::get("1");
    auto minimal =
        object(R"({"room_id":"!x:domain","sender":"@a:domain","origin":"domain","origin_server_ts":1000000,
        "signatures":{},"hashes":{},"type":"X","content":{},"prev_events":[],"auth_events":[],"depth":3,
        "unsigned":{"age_ts":1000000}})");
    minimal["hashes"] = json::object{{"sha256", base64_encode(as_bytes(content_hash(minimal)))}};
    sign_event(minimal, version, "domain", test_key());
    CHECK(get_string(*get_object(minimal, "hashes"), "sha256") ==
          "5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos");
    CHECK(minimal.at("signatures").at("domain").at("ed25519:1").as_string() ==
          "KxwGjPSDEtvnFgU00fwFz+l6d2pJM6XBIaMEn81SXPTRl16AqLAYqfIReFGZlHi5KLjAWbOoMszkwsQma+lYAg");

    auto redactable =
        object(R"({"content":{"body":"Here is the message content"},"event_id":"$0:domain","origin":"domain",
        "origin_server_ts":1000000,"type":"m.room.message","room_id":"!r:domain","sender":"@u:domain","signatures":{},
        "unsigned":{"age_ts":1000000}})");
    redactable["hashes"] = json::object{{"sha256", base64_encode(as_bytes(content_hash(redactable)))}};
    sign_event(redactable, version, "domain", test_key());
    CHECK(get_string(*get_object(redactable, "hashes"), "sha256") ==
          "onLKD1bGljeBWQhWZ1kaP9SorVmRQNdN5aM2JYU2n/g");
    CHECK(redactable.at("signatures").at("domain").at("ed25519:1").as_string() ==
          "Wm+VzmOUOz08Ds+0NTWb1d4CZrVsJSikkeRxh6aCcUwu6pNC78FunoD7KNWzqFn241eYHYMGCA5McEiVPdhzBA");
    CHECK(content_hash_matches(redactable));
    redactable["content"] = json::object{};
    CHECK_FALSE(content_hash_matches(redactable));
}

TEST_CASE("a signature is accepted only for its text, signer and key", "[crypto]") {
    const auto public_key = base64_decode(test_key().public_key_base64()).value();
    auto data = object(R"({"one":1,"unsigned":{"a":1}})");
    sign_json(data, "domain", test_key());

    CHECK(verify_json(data, "domain", "ed25519:1", public_key).has_value());
    data["unsigned"] = json::object{};
    CHECK(verify_json(data, "domain", "ed25519:1", public_key).has_value());
    CHECK_FALSE(verify_json(data, "other", "ed25519:1", public_key).has_value());
    CHECK_FALSE(verify_json(data, "domain", "ed25519:2", public_key).has_value());
    CHECK_FALSE(verify_json(data, "domain", "rsa:1", public_key).has_value());
    CHECK_FALSE(verify_json(data, "domain", "ed25519:1", "short").has_value());
    data["one"] = 2;
    CHECK_FALSE(verify_json(data, "domain", "ed25519:1", public_key).has_value());
    data["signatures"] = "nonsense";
    CHECK_FALSE(verify_json(data, "domain", "ed25519:1", public_key).has_value());
}

TEST_CASE("signing keys are read and written in the usual file format", "[crypto]") {
    CHECK(test_key().key_id() == "ed25519:1");
    CHECK(test_key().public_key_base64() == "XGX0JRS2Af3be3knz2fBiRbApjm2Dh61gXDJA8kcJNI");
    CHECK(SigningKey::parse(test_key().to_text()).value().public_key_base64() ==
          test_key().public_key_base64());
    const auto fresh = SigningKey::generate("a_Xy9");
    CHECK(SigningKey::parse(fresh.to_text()).value().sign("x") == fresh.sign("x"));
    for (const auto* invalid :
         {"", "ed25519", "ed25519 1", "ed25519 1 AAAA", "rsa 1 YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1",
          "ed25519 a:b YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1"}) {
        CHECK_FALSE(SigningKey::parse(invalid).has_value());
    }
}
