#include <catch2/catch.hpp>

#include <boost/json/parse.hpp>

#include "weft/core/errors.hpp"
#include "weft/handlers/accounts/access_token.hpp"
#include "weft/handlers/accounts/usernames.hpp"
#include "weft/proto/crypto.hpp"

using namespace weft;
using namespace weft::handlers;

namespace {

/// `errcode` of the MatrixError that `function` throws; empty if it throws none.
template <class Function>
std::string errcode_of(Function function) {
    try {
        function();
    } catch (const core::MatrixError& error) {
        return error.errcode;
    }
    return {};
}

std::string identified(const char* body) {
    return identified_user(boost::json::parse(body).as_object(), "example.org");
}

}  // namespace

TEST_CASE("a wished username becomes a user ID in small letters", "[accounts]") {
    CHECK(new_user_id("alice", "example.org") == "@alice:example.org");
    CHECK(new_user_id("Alice.B-1", "example.org") == "@alice.b-1:example.org");
    CHECK(new_user_id("a=b/c+d", "example.org") == "@a=b/c+d:example.org");
}

TEST_CASE("usernames outside the grammar are refused with M_INVALID_USERNAME", "[accounts]") {
    const auto* name = GENERATE("", "al ice", "alice!", "@alice", "alice:example.org", "älice", "_bridge");
    CHECK(errcode_of([&] { new_user_id(name, "example.org"); }) == "M_INVALID_USERNAME");
}

TEST_CASE("a user ID is at most 255 bytes long", "[accounts]") {
    const std::string server = "example.org";
    const auto longest = std::string(255 - server.size() - 2, 'a');

    CHECK(new_user_id(longest, server).size() == 255);
    CHECK(errcode_of([&] { new_user_id(longest + "a", server); }) == "M_INVALID_USERNAME");
}

TEST_CASE("made-up localparts are valid and differ", "[accounts]") {
    const auto one = random_localpart();

    CHECK(new_user_id(one, "example.org") == "@" + one + ":example.org");
    CHECK(one != random_localpart());
}

TEST_CASE("a login names its user by identifier or by the old user member", "[accounts]") {
    CHECK(identified(R"({"identifier": {"type": "m.id.user", "user": "alice"}})") == "@alice:example.org");
    CHECK(identified(R"({"identifier": {"type": "m.id.user", "user": "@alice:other.org"}})") ==
          "@alice:other.org");
    CHECK(identified(R"({"user": "alice"})") == "@alice:example.org");
    CHECK(identified(R"({"user": "no", "identifier": {"type": "m.id.user", "user": "yes"}})") ==
          "@yes:example.org");
}

TEST_CASE("identifiers that name nobody here are refused, each with its own code", "[accounts]") {
    const auto [body, errcode] = GENERATE(table<const char*, const char*>({
        {R"({})", "M_MISSING_PARAM"},
        {R"({"identifier": {}})", "M_MISSING_PARAM"},
        {R"({"identifier": {"type": "m.id.user"}})", "M_MISSING_PARAM"},
        {R"({"identifier": "alice"})", "M_BAD_JSON"},
        {R"({"identifier": {"type": "m.id.user", "user": 1}})", "M_BAD_JSON"},
        {R"({"identifier": {"type": "m.id.user", "user": "a\u0000b"}})", "M_INVALID_PARAM"},
        {R"({"identifier": {"type": "m.id.thirdparty", "medium": "email", "address": "a@b"}})",
         "M_FORBIDDEN"},
        {R"({"identifier": {"type": "m.id.phone", "country": "GB", "phone": "1"}})", "M_FORBIDDEN"},
        {R"({"medium": "email", "address": "a@b"})", "M_FORBIDDEN"},
        {R"({"identifier": {"type": "org.example.cat"}})", "M_UNKNOWN"},
    }));
    CHECK(errcode_of([body = body] { identified(body); }) == errcode);
}

TEST_CASE("an access token carries the localpart and a checksum of what is before it", "[accounts]") {
    const auto token = make_access_token("alice");

    const auto last = token.rfind('_');
    CHECK(token.starts_with("syt_" + proto::base64_url_encode("alice") + "_"));
    CHECK(token.substr(last + 1) == token_checksum(token.substr(0, last)));
    CHECK(token != make_access_token("alice"));
}

TEST_CASE("a checksum is the CRC-32 in six digits of base 62", "[accounts]") {
    CHECK(token_checksum("") == "000000");
    // The check value of CRC-32, 0xcbf43926, is 3421780262 = "3Jzrme" in this alphabet.
    CHECK(token_checksum("123456789") == "3Jzrme");
}
