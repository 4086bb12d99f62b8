#include <catch2/catch.hpp>

#include "weft/handlers/accounts/auth_flows.hpp"
#include "weft/proto/json.hpp"

using namespace weft;
using namespace weft::handlers;

namespace {

const AuthFlows kFlows{{"token", "dummy"}, {"password"}};

}  // namespace

TEST_CASE("a flow is complete when all its stages are, whatever else is", "[accounts]") {
    CHECK(completed_flow(kFlows, {}) == nullptr);
    CHECK(completed_flow(kFlows, {"token"}) == nullptr);
    CHECK(completed_flow(kFlows, {"dummy", "token"}) == &kFlows[0]);
    CHECK(completed_flow(kFlows, {"password", "other"}) == &kFlows[1]);
}

TEST_CASE("stages come in the order of their flow", "[accounts]") {
    CHECK(may_come_next(kFlows, {}, "token"));
    CHECK(may_come_next(kFlows, {}, "password"));
    CHECK_FALSE(may_come_next(kFlows, {}, "dummy"));
    CHECK(may_come_next(kFlows, {"token"}, "dummy"));
    CHECK_FALSE(may_come_next(kFlows, {"token"}, "token"));
}

TEST_CASE("only stages of a flow are offered", "[accounts]") {
    CHECK(is_offered(kFlows, "dummy"));
    CHECK_FALSE(is_offered(kFlows, "m.login.sso"));
}

TEST_CASE("the first 401 has flows and a session, and no error code", "[accounts]") {
    const auto error = authentication_required(kFlows, {}, "abc");

    CHECK(error.http_status == 401);
    CHECK(error.errcode.empty());
    CHECK(proto::to_json(error.fields) ==
          R"({"flows":[{"stages":["token","dummy"]},{"stages":["password"]}],"params":{},"session":"abc"})");
}

TEST_CASE("a 401 after a wrong proof says what was wrong and what is done", "[accounts]") {
    const auto wrong = core::MatrixError::forbidden("Invalid password");
    const auto error = authentication_required(kFlows, {"token"}, "abc", &wrong);

    CHECK(error.errcode == "M_FORBIDDEN");
    CHECK(std::string{error.what()} == "Invalid password");
    REQUIRE(proto::get_array(error.fields, "completed"));
    CHECK(proto::to_json(*proto::find(error.fields, "completed")) == R"(["token"])");
}
