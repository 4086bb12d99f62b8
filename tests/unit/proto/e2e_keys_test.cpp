#include "weft/proto/e2e_keys.hpp"

#include <catch2/catch.hpp>

using namespace weft;
using namespace weft::proto;

namespace {

json::object object(std::string_view text) {
    return parse_json_object(text).value();
}

json::object device_keys() {
    return object(R"({"user_id": "@a:test", "device_id": "DEV", "algorithms": ["m.megolm.v1.aes-sha2"],
                      "keys": {"ed25519:DEV": "key"}, "signatures": {"@a:test": {"ed25519:DEV": "signature"}}})");
}

constexpr auto kPublicKey = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

json::object master_key() {
    return {{"user_id", "@a:test"},
            {"usage", json::array{"master"}},
            {"keys", {{std::string{"ed25519:"} + kPublicKey, kPublicKey}}}};
}

}  // namespace

TEST_CASE("a key's name is its algorithm and its ID") {
    const auto name = parse_key_name("signed_curve25519:AAAA:B");

    REQUIRE(name.has_value());
    CHECK(name->algorithm == "signed_curve25519");
    CHECK(name->id == "AAAA:B");
    for (const auto* wrong : {"", "AAAA", ":AAAA"}) CHECK_FALSE(parse_key_name(wrong).has_value());
    CHECK_FALSE(parse_key_name(std::string_view{"a:\0b", 4}).has_value());
}

TEST_CASE("device keys are complete and of the device that uploads them") {
    CHECK(check_device_keys(device_keys(), "@a:test", "DEV").has_value());
    CHECK_FALSE(check_device_keys(device_keys(), "@b:test", "DEV").has_value());
    CHECK_FALSE(check_device_keys(device_keys(), "@a:test", "OTHER").has_value());
    for (const auto* member : {"user_id", "device_id", "algorithms", "keys", "signatures"}) {
        auto incomplete = device_keys();
        incomplete.erase(member);
        CHECK_FALSE(check_device_keys(incomplete, "@a:test", "DEV").has_value());
        auto wrong = device_keys();
        wrong[member] = 1;
        CHECK_FALSE(check_device_keys(wrong, "@a:test", "DEV").has_value());
    }
    auto with_float = device_keys();
    with_float["extra"] = 1.5;
    CHECK_FALSE(check_device_keys(with_float, "@a:test", "DEV").has_value());
}

TEST_CASE("a one-time key is a string, or an object with a key") {
    for (const auto* key : {R"("abc")", R"({"key": "abc"})", R"({"key": "abc", "fallback": true})",
                            R"({"key": "abc", "signatures": {"@a:test": {"ed25519:DEV": "s"}}})"}) {
        CHECK(check_one_time_key(parse_json(key).value()).has_value());
    }
    for (const auto* key : {"1", "null", "[]", "{}", R"({"key": 1})", R"({"key": "a", "fallback": "yes"})",
                            R"({"key": "a", "signatures": {"@a:test": "s"}})"}) {
        CHECK_FALSE(check_one_time_key(parse_json(key).value()).has_value());
    }
}

TEST_CASE("one-time keys are compared without their signatures") {
    const auto key =
        parse_json(R"({"key": "abc", "signatures": {"@a:test": {"ed25519:DEV": "one"}}})").value();
    const auto signed_again =
        parse_json(R"({"signatures": {"@a:test": {"ed25519:DEV": "two"}}, "key": "abc"})").value();
    const auto other = parse_json(R"({"key": "abd"})").value();

    CHECK(same_one_time_key(key, signed_again));
    CHECK_FALSE(same_one_time_key(key, other));
    CHECK(same_one_time_key("abc", "abc"));
    CHECK_FALSE(same_one_time_key("abc", "abd"));
    CHECK_FALSE(same_one_time_key("abc", key));
}

TEST_CASE("a cross-signing key holds one ed25519 key of its user, for its usage") {
    const auto parsed = parse_cross_signing_key(master_key(), "@a:test", "master");
    REQUIRE(parsed.has_value());
    CHECK(parsed->public_key == kPublicKey);
    CHECK(parsed->key_id == std::string{"ed25519:"} + kPublicKey);
    CHECK(parsed->bytes == std::string(32, '\0'));

    CHECK_FALSE(parse_cross_signing_key(master_key(), "@b:test", "master").has_value());
    CHECK_FALSE(parse_cross_signing_key(master_key(), "@a:test", "self_signing").has_value());
    for (const auto* keys :
         {R"({})", R"({"ed25519:short": "short"})", R"({"ed25519:AA": "BB"})", R"({"ed25519:AA": 1})"}) {
        auto wrong = master_key();
        wrong["keys"] = object(keys);
        CHECK_FALSE(parse_cross_signing_key(wrong, "@a:test", "master").has_value());
    }
    auto two = master_key();
    two["keys"].as_object()["ed25519:more"] = "more";
    CHECK_FALSE(parse_cross_signing_key(two, "@a:test", "master").has_value());
}

TEST_CASE("signatures are found, added, and left out of comparison") {
    auto key = master_key();

    add_signature(key, "@a:test", "ed25519:DEV", "one");
    add_signature(key, "@a:test", "ed25519:DEV2", "two");
    add_signature(key, "@b:test", "ed25519:X", "three");

    CHECK(same_signed_content(key, master_key()));
    CHECK(signatures_of(key, "@a:test")->size() == 2);
    CHECK(get_string(*signatures_of(key, "@b:test"), "ed25519:X") == "three");
    CHECK(signatures_of(key, "@c:test") == nullptr);
    auto other = key;
    other["extra"] = true;
    CHECK_FALSE(same_signed_content(key, other));
}
