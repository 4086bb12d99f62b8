#include <catch2/catch.hpp>

#include "accounts_fixture.hpp"

using namespace weft;
using test::accounts_config;
using test::AccountsFixture;

namespace {

constexpr auto kLogin = "/_matrix/client/v3/login";
constexpr auto kRefresh = "/_matrix/client/v3/refresh";
constexpr auto kGetToken = "/_matrix/client/v1/login/get_token";

struct TokenServer : AccountsFixture {
    explicit TokenServer(core::Config settings = accounts_config()) : AccountsFixture{std::move(settings)} {
        token = register_user("alice").text("access_token");
    }

    test::AccountsAnswer refreshable_login() {
        return post(kLogin, R"({"type": "m.login.password", "password": "secret", "device_id": "PHONE",
                                "identifier": {"type": "m.id.user", "user": "alice"}, "refresh_token": true})");
    }
    test::AccountsAnswer refresh(const std::string& refresh_token) {
        return post(kRefresh, fmt::format(R"({{"refresh_token": "{}"}})", refresh_token));
    }
    void make_admin(const std::string& user_id) {
        run(users.set_admin(user_id, true));
        run(tokens.forget_cached_tokens_of_user(user_id));
    }
    test::AccountsAnswer login_with(const std::string& login_token) {
        return post(kLogin, fmt::format(R"({{"type": "m.login.token", "token": "{}"}})", login_token));
    }

    std::string token;
};

}  // namespace

TEST_CASE_METHOD(TokenServer,
                 "a client that can refresh gets an access token that ends and one to refresh it",
                 "[accounts]") {
    const auto session = refreshable_login();

    CHECK(session.body.at("expires_in_ms") == 300'000);
    CHECK(session.text("refresh_token").starts_with("syr_"));
    CHECK_FALSE(login("alice").body.contains("refresh_token"));
    clock.advance(core::Milliseconds{300'001});
    const auto answer = get("/_matrix/client/v3/account/whoami", session.text("access_token"));
    CHECK(answer.status == 401);
    CHECK(answer.body.at("soft_logout") == true);

    const auto next = refresh(session.text("refresh_token"));
    CHECK(next.status == 200);
    CHECK(next.body.at("expires_in_ms") == 300'000);
    CHECK(get("/_matrix/client/v3/account/whoami", next.text("access_token")).text("device_id") == "PHONE");
}

TEST_CASE_METHOD(TokenServer, "old tokens are good until the new ones are used", "[accounts]") {
    const auto first = refreshable_login();
    const auto lost = refresh(first.text("refresh_token"));
    REQUIRE(is_logged_in(first.text("access_token")));

    // The answer got lost, so the client asks again.
    const auto second = refresh(first.text("refresh_token"));
    REQUIRE(second.status == 200);
    CHECK_FALSE(is_logged_in(lost.text("access_token")));
    CHECK(refresh(lost.text("refresh_token")).errcode() == "M_UNKNOWN_TOKEN");

    CHECK(is_logged_in(second.text("access_token")));
    CHECK_FALSE(is_logged_in(first.text("access_token")));
    CHECK(refresh(first.text("refresh_token")).status == 401);
    CHECK(refresh(second.text("refresh_token")).status == 200);
}

TEST_CASE_METHOD(TokenServer, "using a refresh token spends the one before it", "[accounts]") {
    const auto first = refreshable_login();
    const auto second = refresh(first.text("refresh_token"));

    REQUIRE(refresh(second.text("refresh_token")).status == 200);

    CHECK(refresh(first.text("refresh_token")).status == 401);
    CHECK_FALSE(is_logged_in(first.text("access_token")));
}

TEST_CASE_METHOD(TokenServer, "a logout ends the refresh token, too", "[accounts]") {
    const auto session = refreshable_login();

    REQUIRE(post("/_matrix/client/v3/logout", "{}", session.text("access_token")).status == 200);

    const auto answer = refresh(session.text("refresh_token"));
    CHECK(answer.status == 401);
    CHECK(answer.errcode() == "M_UNKNOWN_TOKEN");
    CHECK(answer.body.at("soft_logout") == false);
}

TEST_CASE("a session of limited length cannot be refreshed beyond its end", "[accounts]") {
    auto config = accounts_config();
    config.session_lifetimes.session_ms = 400'000;
    TokenServer server{std::move(config)};
    const auto session = server.refreshable_login();
    server.clock.advance(core::Milliseconds{350'000});

    const auto next = server.refresh(session.text("refresh_token"));
    CHECK(next.body.at("expires_in_ms") == 50'000);
    server.clock.advance(core::Milliseconds{50'001});
    const auto last = server.refresh(next.text("refresh_token"));
    CHECK(last.status == 401);
    CHECK(last.body.at("soft_logout") == true);
}

TEST_CASE_METHOD(TokenServer, "a login token is made after the password, and is good for one login",
                 "[accounts]") {
    const auto asked = post(kGetToken, "{}", token);
    CHECK(asked.status == 401);
    CHECK(asked.body.contains("flows"));

    const auto made = post(kGetToken, fmt::format(R"({{"auth": {}}})", password_proof("alice")), token);
    REQUIRE(made.status == 200);
    CHECK(made.body.at("expires_in_ms") == 300'000);

    const auto session = login_with(made.text("login_token"));
    CHECK(session.text("user_id") == "@alice:test");
    CHECK(is_logged_in(session.text("access_token")));
    CHECK(login_with(made.text("login_token")).status == 403);
}

TEST_CASE_METHOD(TokenServer, "a login token ends, and wrong ones are refused", "[accounts]") {
    const auto made = post(kGetToken, fmt::format(R"({{"auth": {}}})", password_proof("alice")), token);
    clock.advance(core::Milliseconds{300'001});

    CHECK(login_with(made.text("login_token")).errcode() == "M_FORBIDDEN");
    CHECK(login_with("guess").errcode() == "M_FORBIDDEN");
    CHECK(post(kLogin, R"({"type": "m.login.token"})").errcode() == "M_MISSING_PARAM");
}

TEST_CASE("login tokens can be switched off", "[accounts]") {
    auto config = accounts_config();
    config.login_tokens.enabled = false;
    TokenServer server{std::move(config)};

    CHECK(server.post(kGetToken, "{}", server.token).status == 404);
    CHECK(server.login_with("x").errcode() == "M_UNKNOWN");
    CHECK(proto::to_json(server.get(kLogin).body) == R"({"flows":[{"type":"m.login.password"}]})");
}

TEST_CASE_METHOD(TokenServer, "a locked account can do nothing but log out until it is unlocked",
                 "[accounts]") {
    const auto admin = register_user("root").text("access_token");
    make_admin("@root:test");
    const auto path = "/_matrix/client/v1/admin/lock/@alice:test";

    REQUIRE(put(path, R"({"locked": true})", admin).body.at("locked") == true);

    const auto answer = get("/_matrix/client/v3/account/whoami", token);
    CHECK(answer.status == 401);
    CHECK(answer.errcode() == "M_USER_LOCKED");
    CHECK(answer.body.at("soft_logout") == true);
    CHECK(login("alice").errcode() == "M_USER_LOCKED");
    CHECK(get(path, admin).body.at("locked") == true);

    REQUIRE(put(path, R"({"locked": false})", admin).status == 200);
    CHECK(is_logged_in(token));
    REQUIRE(put(path, R"({"locked": true})", admin).status == 200);
    CHECK(post("/_matrix/client/v3/logout", "{}", token).status == 200);
}

TEST_CASE_METHOD(TokenServer, "a suspended account can read but not change its profile", "[accounts]") {
    const auto admin = register_user("root").text("access_token");
    make_admin("@root:test");
    const auto path = "/_matrix/client/v1/admin/suspend/@alice:test";

    REQUIRE(put(path, R"({"suspended": true})", admin).body.at("suspended") == true);

    CHECK(is_logged_in(token));
    const auto name = "/_matrix/client/v3/profile/@alice:test/displayname";
    const auto refused = put(name, R"({"displayname": "Alice"})", token);
    CHECK(refused.status == 403);
    CHECK(refused.errcode() == "M_USER_SUSPENDED");
    CHECK(login("alice").status == 200);
    REQUIRE(put(path, R"({"suspended": false})", admin).status == 200);
    CHECK(put(name, R"({"displayname": "Alice"})", token).status == 200);
}

TEST_CASE_METHOD(TokenServer, "moderation is for administrators, and not of administrators", "[accounts]") {
    const auto admin = register_user("root").text("access_token");
    make_admin("@root:test");
    const std::string lock = "/_matrix/client/v1/admin/lock/";

    CHECK(get(lock + "@root:test", token).errcode() == "M_FORBIDDEN");
    CHECK(put(lock + "@root:test", R"({"locked": true})", admin).errcode() == "M_FORBIDDEN");
    CHECK(put(lock + "@nobody:test", R"({"locked": true})", admin).errcode() == "M_NOT_FOUND");
    CHECK(put(lock + "@bob:elsewhere", R"({"locked": true})", admin).errcode() == "M_INVALID_PARAM");
    CHECK(put(lock + "@alice:test", "{}", admin).errcode() == "M_MISSING_PARAM");
}

TEST_CASE_METHOD(TokenServer, "whois tells users and administrators where they were seen", "[accounts]") {
    REQUIRE(is_logged_in(token));
    run(client_ips.flush());

    const auto answer = get("/_matrix/client/v3/admin/whois/@alice:test", token);

    REQUIRE(answer.status == 200);
    const auto& devices = answer.body.at("devices").as_object();
    const auto& connection = devices.at("FIRST").at("sessions").at(0).at("connections").at(0);
    CHECK(connection.at("ip") == "192.0.2.1");
    CHECK(connection.at("user_agent") == "tests");
    const auto bob = register_user("bob").text("access_token");
    CHECK(get("/_matrix/client/v3/admin/whois/@alice:test", bob).errcode() == "M_FORBIDDEN");
}

TEST_CASE("new passwords have to satisfy the policy", "[accounts]") {
    auto config = accounts_config();
    config.password_policy = {.enabled = true, .minimum_length = 8, .require_digit = true};
    AccountsFixture server{std::move(config)};
    const auto try_password = [&](const std::string& password) {
        return server.post("/_matrix/client/v3/register",
                           fmt::format(R"({{"username": "alice", "password": "{}",
                                            "auth": {{"type": "m.login.dummy"}}}})",
                                       password));
    };

    CHECK(try_password("short1").errcode() == "M_WEAK_PASSWORD");
    CHECK(try_password("long enough").errcode() == "M_WEAK_PASSWORD");
    CHECK(try_password("long enough 1").status == 200);
}

TEST_CASE("a pepper is part of every password hash", "[accounts]") {
    auto config = accounts_config();
    config.password_pepper = "cayenne";
    AccountsFixture server{std::move(config)};
    server.register_user("alice");

    CHECK(server.login("alice").status == 200);
    server.config.password_pepper = "paprika";
    CHECK(server.login("alice").status == 403);
}
