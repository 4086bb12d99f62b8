#include <catch2/catch.hpp>

#include "accounts_fixture.hpp"

using namespace weft;
using test::accounts_config;
using test::AccountsFixture;

namespace {

constexpr auto kRegister = "/_matrix/client/v3/register";

struct OpenServer : AccountsFixture {};

struct TokenServer : AccountsFixture {
    static core::Config settings() {
        auto config = accounts_config();
        config.registration_requires_token = true;
        return config;
    }
    TokenServer() : AccountsFixture{settings()} {}

    test::AccountsAnswer register_with(const std::string& name, const std::string& token) {
        return post(kRegister, fmt::format(R"({{"username": "{}", "password": "secret", "auth":
                                                {{"type": "m.login.registration_token", "token": "{}"}}}})",
                                           name, token));
    }
};

}  // namespace

TEST_CASE_METHOD(OpenServer, "registration asks for a proof first, then makes account, profile and session",
                 "[accounts]") {
    const auto asked = post(kRegister, R"({"username": "Alice", "password": "secret"})");

    REQUIRE(asked.status == 401);
    CHECK(asked.errcode().empty());
    CHECK(proto::to_json(*proto::find(asked.body, "flows")) == R"([{"stages":["m.login.dummy"]}])");

    const auto session = asked.text("session");
    const auto made =
        post(kRegister, fmt::format(R"({{"username": "Alice", "password": "secret", "device_id": "DEV",
        "initial_device_display_name": "phone", "auth": {{"type": "m.login.dummy", "session": "{}"}}}})",
                                    session));

    REQUIRE(made.status == 200);
    CHECK(made.text("user_id") == "@alice:test");
    CHECK(made.text("device_id") == "DEV");
    CHECK(made.text("home_server") == "test");
    const auto whoami = get("/_matrix/client/v3/account/whoami", made.text("access_token"));
    CHECK(proto::to_json(whoami.body) == R"({"user_id":"@alice:test","is_guest":false,"device_id":"DEV"})");
    CHECK(get("/_matrix/client/v3/profile/@alice:test/displayname").text("displayname") == "alice");
    CHECK(sql("SELECT display_name FROM devices WHERE user_id = '@alice:test' AND device_id = 'DEV'") ==
          std::vector<std::vector<std::string>>{{"phone"}});
    CHECK(sql("SELECT left(password_hash, 10) FROM users WHERE name = '@alice:test'").front().front() ==
          "$argon2id$");
}

TEST_CASE_METHOD(OpenServer, "a registration whose answer got lost can be repeated within its session",
                 "[accounts]") {
    const auto session = post(kRegister, "{}").text("session");
    const auto body = fmt::format(
        R"({{"username": "alice", "password": "secret", "auth": {{"type": "m.login.dummy", "session": "{}"}}}})",
        session);
    REQUIRE(post(kRegister, body).status == 200);

    const auto again = post(kRegister, body);

    CHECK(again.status == 200);
    CHECK(again.text("user_id") == "@alice:test");
    CHECK(is_logged_in(again.text("access_token")));
    CHECK(sql("SELECT count(*) FROM users").front().front() == "1");
}

TEST_CASE_METHOD(OpenServer, "a completed session makes no second account", "[accounts]") {
    const auto session = post(kRegister, "{}").text("session");
    const auto body = [&](const char* name) {
        return fmt::format(
            R"({{"username": "{}", "password": "secret", "auth": {{"type": "m.login.dummy", "session": "{}"}}}})",
            name, session);
    };
    REQUIRE(post(kRegister, body("alice")).status == 200);

    const auto other = post(kRegister, body("bob"));

    CHECK(other.status == 403);
    CHECK(other.errcode() == "M_FORBIDDEN");
}

TEST_CASE_METHOD(OpenServer, "what is wrong with a wish is said before any proof", "[accounts]") {
    REQUIRE(register_user("alice").status == 200);

    CHECK(post(kRegister, R"({"username": "ALICE", "password": "x"})").errcode() == "M_USER_IN_USE");
    CHECK(post(kRegister, R"({"username": "al ice", "password": "x"})").errcode() == "M_INVALID_USERNAME");
    CHECK(post(kRegister, R"({"username": "bob", "password": ""})").errcode() == "M_WEAK_PASSWORD");
    CHECK(post(kRegister, R"({"username": "bob", "auth": {"type": "m.login.dummy"}})").errcode() ==
          "M_MISSING_PARAM");
    CHECK(post(kRegister, R"({"username": 5})").errcode() == "M_BAD_JSON");
    CHECK(post(kRegister, R"({"username": "bob", "password": "x", "auth": {"type": "m.login.sso"}})")
              .errcode() == "M_UNRECOGNIZED");
}

TEST_CASE_METHOD(OpenServer, "without a username the server makes one up", "[accounts]") {
    const auto made = post(kRegister, R"({"password": "secret", "auth": {"type": "m.login.dummy"}})");

    REQUIRE(made.status == 200);
    CHECK(made.text("user_id").ends_with(":test"));
    CHECK_FALSE(made.text("device_id").empty());
    CHECK(is_logged_in(made.text("access_token")));
}

TEST_CASE_METHOD(OpenServer, "inhibit_login makes the account and no session", "[accounts]") {
    const auto made = post(kRegister, R"({"username": "alice", "password": "secret", "inhibit_login": true,
                                          "auth": {"type": "m.login.dummy"}})");

    CHECK(made.status == 200);
    CHECK(proto::to_json(made.body) == R"({"user_id":"@alice:test","home_server":"test"})");
    CHECK(sql("SELECT count(*) FROM access_tokens").front().front() == "0");
    CHECK(login("alice").status == 200);
}

TEST_CASE_METHOD(OpenServer, "a username is available until somebody takes it", "[accounts]") {
    const std::string available = "/_matrix/client/v3/register/available";

    CHECK(proto::to_json(get(available + "?username=alice").body) == R"({"available":true})");
    REQUIRE(register_user("alice").status == 200);
    CHECK(get(available + "?username=alice").errcode() == "M_USER_IN_USE");
    CHECK(get(available + "?username=a!b").errcode() == "M_INVALID_USERNAME");
    CHECK(get(available).errcode() == "M_MISSING_PARAM");
}

TEST_CASE("a closed server registers nobody and says so", "[accounts]") {
    auto config = accounts_config();
    config.enable_registration = false;
    AccountsFixture server{config};

    CHECK(server.register_user("alice").errcode() == "M_FORBIDDEN");
    CHECK(server.register_user("alice").status == 403);
    CHECK(server.get("/_matrix/client/v3/register/available?username=alice").status == 403);
    CHECK(server.get("/_matrix/client/v1/register/m.login.registration_token/validity?token=x").status ==
          403);
    CHECK(server.sql("SELECT count(*) FROM users").front().front() == "0");
}

TEST_CASE_METHOD(OpenServer, "guests are refused unless they are allowed", "[accounts]") {
    const auto answer = post("/_matrix/client/v3/register?kind=guest", "{}");

    CHECK(answer.status == 403);
    CHECK(answer.errcode() == "M_FORBIDDEN");
    CHECK(post("/_matrix/client/v3/register?kind=cat", "{}").errcode() == "M_INVALID_PARAM");
}

TEST_CASE("a guest may do what guests may, and no more", "[accounts]") {
    auto config = accounts_config();
    config.allow_guest_access = true;
    AccountsFixture server{config};

    const auto guest = server.post("/_matrix/client/v3/register?kind=guest", R"({"device_id": "IGNORED"})");

    REQUIRE(guest.status == 200);
    CHECK(guest.text("device_id") != "IGNORED");
    const auto token = guest.text("access_token");
    CHECK(proto::get_bool(server.get("/_matrix/client/v3/account/whoami", token).body, "is_guest") == true);
    CHECK(server.post("/_matrix/client/v3/delete_devices", "{}", token).errcode() ==
          "M_GUEST_ACCESS_FORBIDDEN");
    const auto profile = "/_matrix/client/v3/profile/" + guest.text("user_id");
    CHECK(server.put(profile + "/displayname", R"({"displayname": "G"})", token).status == 200);
    CHECK(server.put(profile + "/avatar_url", R"({"avatar_url": "mxc://a/b"})", token).status == 403);
}

TEST_CASE("registrations are limited by address", "[accounts]") {
    auto config = accounts_config();
    config.rc_registration = {0.1, 1};
    AccountsFixture server{config};
    REQUIRE(server.register_user("alice").status == 200);

    const auto limited = server.register_user("bob");
    CHECK(limited.status == 429);
    CHECK(limited.errcode() == "M_LIMIT_EXCEEDED");

    server.remote_address = "192.0.2.2";
    CHECK(server.register_user("bob").status == 200);
    server.remote_address = "192.0.2.1";
    server.clock.advance(core::Milliseconds{10'000});
    CHECK(server.register_user("carol").status == 200);
}

TEST_CASE_METHOD(TokenServer, "a registration token is good for as many accounts as it allows",
                 "[accounts]") {
    storage::RegistrationToken once;
    once.token = "open";
    once.uses_allowed = 1;
    REQUIRE(run(registration_tokens.create(once)));
    const std::string validity = "/_matrix/client/v1/register/m.login.registration_token/validity?token=";
    CHECK(proto::get_bool(get(validity + "open").body, "valid") == true);
    CHECK(proto::get_bool(get(validity + "shut").body, "valid") == false);

    const auto wrong = register_with("alice", "shut");
    CHECK(wrong.status == 401);
    CHECK(wrong.errcode() == "M_FORBIDDEN");
    CHECK(proto::to_json(*proto::find(wrong.body, "flows")) ==
          R"([{"stages":["m.login.registration_token"]}])");

    CHECK(register_with("alice", "open").status == 200);
    CHECK(sql("SELECT pending, completed FROM registration_tokens") ==
          std::vector<std::vector<std::string>>{{"0", "1"}});
    CHECK(proto::get_bool(get(validity + "open").body, "valid") == false);
    CHECK(register_with("bob", "open").errcode() == "M_FORBIDDEN");
}

TEST_CASE_METHOD(TokenServer, "a token server lets nobody in by the dummy stage", "[accounts]") {
    CHECK(register_user("alice").errcode() == "M_UNRECOGNIZED");
    CHECK(sql("SELECT count(*) FROM users").front().front() == "0");
}

TEST_CASE_METHOD(OpenServer, "whoever knows the shared secret makes an account per nonce", "[accounts]") {
    const auto path = "/_synapse/admin/v1/register";
    const auto body = [](const handlers::SharedSecretRequest& wish) {
        return fmt::format(
            R"({{"nonce": "{}", "username": "{}", "password": "{}", "admin": {}, "mac": "{}"}})", wish.nonce,
            wish.username, wish.password, wish.admin, handlers::registration_mac(wish, "sesame"));
    };
    handlers::SharedSecretRequest wish;
    wish.nonce = get(path).text("nonce");
    wish.username = "root";
    wish.password = "secret";
    wish.admin = true;

    const auto made = post(path, body(wish));

    REQUIRE(made.status == 200);
    CHECK(made.text("user_id") == "@root:test");
    CHECK(is_logged_in(made.text("access_token")));
    CHECK(sql("SELECT admin FROM users WHERE name = '@root:test'").front().front() == "1");

    wish.username = "other";
    CHECK(post(path, body(wish)).errcode() == "M_UNKNOWN");  // the nonce is used

    wish.nonce = get(path).text("nonce");
    auto forged = body(wish);
    forged.replace(forged.find("other"), 5, "fraud");
    CHECK(post(path, forged).status == 403);

    wish.nonce = get(path).text("nonce");
    clock.advance(core::Milliseconds{handlers::SharedSecretRegistration::kNonceLifetimeMs});
    CHECK(post(path, body(wish)).errcode() == "M_UNKNOWN");
    CHECK(sql("SELECT count(*) FROM users").front().front() == "1");
}

TEST_CASE("without a shared secret there is no shared-secret registration", "[accounts]") {
    auto config = accounts_config();
    config.registration_shared_secret.clear();
    AccountsFixture server{config};

    CHECK(server.get("/_synapse/admin/v1/register").status == 400);
}

TEST_CASE("a guest becomes a user and keeps name and session", "[accounts]") {
    auto config = accounts_config();
    config.allow_guest_access = true;
    AccountsFixture server{std::move(config)};
    const auto guest = server.post("/_matrix/client/v3/register?kind=guest", "{}");
    REQUIRE(guest.status == 200);
    const auto user_id = guest.text("user_id");
    const auto localpart = user_id.substr(1, user_id.find(':') - 1);
    const auto upgrade = [&](const std::string& name, const std::string& token) {
        return server.post(
            "/_matrix/client/v3/register",
            fmt::format(R"({{"username": "{}", "password": "secret", "guest_access_token": "{}",
                                            "auth": {{"type": "m.login.dummy"}}}})",
                        name, token));
    };

    CHECK(upgrade(localpart, "wrong").errcode() == "M_FORBIDDEN");
    CHECK(upgrade("somebody", guest.text("access_token")).errcode() == "M_FORBIDDEN");
    const auto upgraded = upgrade(localpart, guest.text("access_token"));

    REQUIRE(upgraded.status == 200);
    CHECK(upgraded.text("user_id") == user_id);
    const auto whoami = server.get("/_matrix/client/v3/account/whoami", guest.text("access_token"));
    CHECK(whoami.body.at("is_guest") == false);
    CHECK(server.login(localpart).status == 200);
}
