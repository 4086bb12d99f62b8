// Addresses that users publish at identity servers, which the tests play.
#include <catch2/catch.hpp>

#include "accounts_fixture.hpp"
#include "weft/proto/crypto.hpp"
#include "x_matrix.hpp"

using namespace weft;
using test::AccountsAnswer;
using test::AccountsFixture;
using test::x_matrix_parameter;

namespace {

const std::string kBind = "/_matrix/client/v3/account/3pid/bind";
const std::string kUnbind = "/_matrix/client/v3/account/3pid/unbind";
const std::string kDelete = "/_matrix/client/v3/account/3pid/delete";
constexpr auto kSession = R"({"client_secret": "s3cret", "id_server": "id.example", "id_access_token": "trust", "sid": "1"})";
constexpr auto kAddress = R"({"medium": "email", "address": "Alice@example.org"})";

struct IdentityServer : AccountsFixture {
    IdentityServer() {
        identity_server = [this](const handlers::IdentityServers::Call& call) {
            calls.push_back(call);
            return answers_to(call);
        };
        token = register_user("alice").text("access_token");
    }
    http::Response answers_to(const handlers::IdentityServers::Call& call) const {
        if (!call.url.ends_with("/3pid/bind")) return unbind_answer;
        return call.authorization == "Bearer trust" ? bind_answer : http::Response{401, R"({"errcode": "M_UNKNOWN_TOKEN"})"};
    }
    AccountsAnswer bind(const std::string& body = kSession) { return post(kBind, body, token); }
    AccountsAnswer unbind(const std::string& body = kAddress) { return post(kUnbind, body, token); }
    std::size_t bound() { return run(three_pids.bound_of_user("@alice:test")).size(); }
    boost::json::object last_body() const { return proto::parse_json_object(calls.back().body).value(); }

    std::string token;
    http::Response bind_answer{200, R"({"medium": "email", "address": "alice@example.org", "mxid": "@alice:test"})"};
    http::Response unbind_answer{200, "{}"};
    std::vector<handlers::IdentityServers::Call> calls;
};


}  // namespace

TEST_CASE_METHOD(IdentityServer, "an address is published at the identity server and taken back there", "[accounts]") {
    REQUIRE(bind().status == 200);
    CHECK(calls.back().url == "https://id.example/_matrix/identity/v2/3pid/bind");
    CHECK(calls.back().authorization == "Bearer trust");
    CHECK(proto::to_json(last_body()) == R"({"sid":"1","client_secret":"s3cret","mxid":"@alice:test"})");
    CHECK(bound() == 1);

    CHECK(unbind().text("id_server_unbind_result") == "success");
    CHECK(calls.back().url == "https://id.example/_matrix/identity/v2/3pid/unbind");
    CHECK(bound() == 0);
    CHECK(unbind().text("id_server_unbind_result") == "no-support");  // nobody knows where
    CHECK(calls.size() == 2);
}

TEST_CASE_METHOD(IdentityServer, "this server signs for its users who take an address back", "[accounts]") {
    REQUIRE(unbind(R"({"medium": "email", "address": "a@example.org", "id_server": "other.example:8090"})").status == 200);

    const auto& header = calls.back().authorization;
    boost::json::object received{{"method", "POST"},
                                 {"uri", "/_matrix/identity/v2/3pid/unbind"},
                                 {"origin", "test"},
                                 {"destination", "other.example:8090"},
                                 {"content", last_body()}};
    received["signatures"] = {{"test", {{x_matrix_parameter(header, "key"), x_matrix_parameter(header, "sig")}}}};
    const auto public_key = proto::base64_decode(signing_key.public_key_base64()).value();
    CHECK(proto::verify_json(received, "test", x_matrix_parameter(header, "key"), public_key).has_value());
    CHECK(last_body().at("mxid") == "@alice:test");
    CHECK(last_body().at("threepid").at("address") == "a@example.org");
}

TEST_CASE_METHOD(IdentityServer, "what an identity server refuses with is told to the client", "[accounts]") {
    bind_answer = {400, R"({"errcode": "M_SESSION_NOT_VALIDATED", "error": "Not yet"})"};
    CHECK(bind().status == 400);
    CHECK(bind().errcode() == "M_SESSION_NOT_VALIDATED");
    CHECK(bound() == 0);
    // The token that is unknown there is not the client's token here.
    const auto refused = bind(R"({"client_secret": "x", "id_server": "id.example", "id_access_token": "wrong", "sid": "1"})");
    CHECK(refused.status == 403);
    CHECK(refused.errcode() == "M_FORBIDDEN");

    bind_answer = {200, R"({"medium": "email", "address": "alice@example.org"})"};
    REQUIRE(bind().status == 200);
    unbind_answer = {403, R"({"errcode": "M_FORBIDDEN", "error": "No"})"};
    CHECK(unbind().errcode() == "M_FORBIDDEN");
    unbind_answer = {404, "<html>"};
    CHECK(unbind().text("id_server_unbind_result") == "no-support");
    CHECK(bound() == 1);
    identity_server = nullptr;
    CHECK(unbind().status >= 400);
    CHECK(bind().errcode() == "M_UNKNOWN");
}

TEST_CASE_METHOD(IdentityServer, "an address that is removed is taken back, whatever the identity server says", "[accounts]") {
    REQUIRE(bind().status == 200);
    unbind_answer = {403, R"({"errcode": "M_FORBIDDEN"})"};
    const auto removed = post(kDelete, kAddress, token);
    CHECK(removed.status == 200);
    CHECK(removed.text("id_server_unbind_result") == "no-support");
    unbind_answer = {200, "{}"};
    CHECK(post(kDelete, kAddress, token).text("id_server_unbind_result") == "success");
    CHECK(bound() == 0);
}

TEST_CASE_METHOD(IdentityServer, "who leaves for good is taken out of identity servers", "[accounts]") {
    const auto leave = [&] {
        return post("/_matrix/client/v3/account/deactivate", fmt::format(R"({{"auth": {}}})", password_proof("alice")), token)
            .text("id_server_unbind_result");
    };
    REQUIRE(bind().status == 200);
    SECTION("who lets them") { CHECK(leave() == "success"); }
    SECTION("or do not") {
        unbind_answer = {501, "{}"};
        CHECK(leave() == "no-support");
    }
    CHECK(last_body().at("threepid").at("address") == "alice@example.org");
    CHECK(bound() == 0);
    CHECK_FALSE(is_logged_in(token));
}

TEST_CASE_METHOD(IdentityServer, "a bad request reaches no identity server", "[accounts]") {
    CHECK(bind(R"({"client_secret": "x", "id_server": "id.example", "sid": "1"})").errcode() == "M_MISSING_PARAM");
    CHECK(bind(R"({"client_secret": "x", "id_server": "a/b", "id_access_token": "x", "sid": "1"})").errcode() == "M_INVALID_PARAM");
    CHECK(bind(R"({"client_secret": "x", "id_server": "a", "id_access_token": "x\r\ny", "sid": "1"})").errcode() == "M_INVALID_PARAM");
    CHECK(unbind(R"({"medium": "email", "address": "a@b", "id_server": "a b"})").errcode() == "M_INVALID_PARAM");
    CHECK(calls.empty());
}
