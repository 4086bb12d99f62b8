#include <catch2/catch.hpp>

#include "accounts_fixture.hpp"

using namespace weft;
using test::accounts_config;
using test::AccountsFixture;

namespace {

/// A server with the user alice, logged in on the device FIRST.
struct AliceServer : AccountsFixture {
    explicit AliceServer(core::Config settings = accounts_config())
        : AccountsFixture{std::move(settings)}, token{register_user("alice").text("access_token")} {}

    std::string count(const std::string& from) { return sql("SELECT count(*) FROM " + from).front().front(); }

    std::string token;
};

}  // namespace

TEST_CASE_METHOD(AliceServer, "a login gives a session on a device", "[accounts]") {
    CHECK(proto::to_json(get("/_matrix/client/v3/login").body) ==
          R"({"flows":[{"type":"m.login.password"},{"type":"m.login.token","get_login_token":true}]})");

    const auto answer = login("alice");

    REQUIRE(answer.status == 200);
    CHECK(answer.text("user_id") == "@alice:test");
    CHECK(answer.text("device_id") == "SECOND");
    CHECK(answer.text("home_server") == "test");
    CHECK(proto::to_json(*proto::find(answer.body, "well_known")) ==
          R"({"m.homeserver":{"base_url":"https://matrix.test/"}})");
    CHECK(is_logged_in(answer.text("access_token")));
    CHECK(is_logged_in(token));
}

TEST_CASE_METHOD(AliceServer, "one may write one's name in full or in capitals", "[accounts]") {
    CHECK(login("@alice:test").text("user_id") == "@alice:test");
    CHECK(login("ALICE").text("user_id") == "@alice:test");
}

TEST_CASE_METHOD(AliceServer, "wrong names and passwords are refused alike", "[accounts]") {
    const auto [name, password] = GENERATE(table<const char*, const char*>(
        {{"alice", "wrong"}, {"nobody", "secret"}, {"@alice:other", "secret"}}));

    const auto answer = login(name, password);

    CHECK(answer.status == 403);
    CHECK(answer.errcode() == "M_FORBIDDEN");
    CHECK(answer.text("error") == "Invalid username or password");
}

TEST_CASE_METHOD(AliceServer, "login types that the server does not have are M_UNKNOWN", "[accounts]") {
    CHECK(post("/_matrix/client/v3/login", R"({"type": "m.login.cas", "ticket": "x"})").errcode() ==
          "M_UNKNOWN");
    CHECK(post("/_matrix/client/v3/login", "{}").errcode() == "M_MISSING_PARAM");
    CHECK(post("/_matrix/client/v3/login", "[]").errcode() == "M_BAD_JSON");
}

TEST_CASE_METHOD(AliceServer, "accounts with a bcrypt hash can log in", "[accounts]") {
    sql("UPDATE users SET password_hash = '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'");
    run(tokens.forget_cached_tokens_of_user("@alice:test"));
    registry.invalidate_all("get_user_by_id");

    CHECK(login("alice", "U*U").status == 200);
    CHECK(login("alice", "secret").status == 403);
}

TEST_CASE_METHOD(AliceServer, "a login on a device ends the session it had", "[accounts]") {
    const auto before = login("alice").text("access_token");
    REQUIRE(is_logged_in(before));

    const auto after = login("alice").text("access_token");

    CHECK(get("/_matrix/client/v3/account/whoami", before).errcode() == "M_UNKNOWN_TOKEN");
    CHECK(is_logged_in(after));
    CHECK(count("devices WHERE device_id = 'SECOND'") == "1");
}

TEST_CASE_METHOD(AliceServer, "nobody logs in on the ID of a cross-signing key", "[accounts]") {
    sql("INSERT INTO devices (user_id, device_id, hidden) VALUES ('@alice:test', 'KEY', TRUE)");

    const auto answer = login("alice", "secret", "KEY");

    CHECK(answer.status == 403);
    CHECK(answer.errcode() == "M_FORBIDDEN");
}

TEST_CASE("too many wrong passwords lock an account for a while, also for the right one", "[accounts]") {
    auto config = accounts_config();
    config.rc_login.failed_attempts = {0.1, 2};
    AliceServer server{config};
    CHECK(server.login("alice", "wrong").status == 403);
    CHECK(server.login("alice", "wrong").status == 403);

    const auto locked = server.login("alice");
    CHECK(locked.status == 429);
    CHECK(proto::get_int(locked.body, "retry_after_ms") == 10'000);

    server.clock.advance(core::Milliseconds{10'000});
    CHECK(server.login("alice").status == 200);
}

TEST_CASE("logins are limited by address and by account", "[accounts]") {
    auto config = accounts_config();
    config.rc_login.address = {0.1, 2};
    config.rc_login.account = {0.1, 1};
    AliceServer server{config};
    REQUIRE(server.login("alice").status == 200);

    CHECK(server.login("alice").errcode() == "M_LIMIT_EXCEEDED");  // the account
    CHECK(server.login("bob").errcode() == "M_LIMIT_EXCEEDED");    // the address
    server.remote_address = "192.0.2.2";
    CHECK(server.login("bob").errcode() == "M_FORBIDDEN");
}

TEST_CASE("where passwords are switched off, no flow is offered and none works", "[accounts]") {
    auto config = accounts_config();
    config.password_login_enabled = false;
    config.login_tokens.enabled = false;
    AliceServer server{config};

    CHECK(proto::to_json(server.get("/_matrix/client/v3/login").body) == R"({"flows":[]})");
    CHECK(server.login("alice").errcode() == "M_UNKNOWN");
}

TEST_CASE_METHOD(AliceServer, "requests without a valid token are refused", "[accounts]") {
    const auto whoami = "/_matrix/client/v3/account/whoami";

    CHECK(get(whoami).errcode() == "M_MISSING_TOKEN");
    const auto unknown = get(whoami, "syt_nonsense");
    CHECK(unknown.status == 401);
    CHECK(unknown.errcode() == "M_UNKNOWN_TOKEN");
    CHECK(proto::get_bool(unknown.body, "soft_logout") == false);
    CHECK(get(whoami, "\xff\xfe").errcode() == "M_UNKNOWN_TOKEN");
    CHECK(get(whoami + std::string{"?access_token="} + token).status == 200);
}

TEST_CASE_METHOD(AliceServer, "a token that was used before costs no query", "[accounts]") {
    REQUIRE(is_logged_in(token));
    sql("DELETE FROM access_tokens");  // behind the server's back: only a query would tell

    CHECK(is_logged_in(token));
}

TEST_CASE("an expired token is a soft logout", "[accounts]") {
    auto config = accounts_config();
    config.session_lifetimes.session_ms = 60'000;
    AliceServer server{config};
    const auto answer = server.login("alice");
    CHECK(proto::get_int(answer.body, "expires_in_ms") == 60'000);
    REQUIRE(server.is_logged_in(answer.text("access_token")));

    server.clock.advance(core::Milliseconds{60'000});

    const auto refused = server.get("/_matrix/client/v3/account/whoami", answer.text("access_token"));
    CHECK(refused.errcode() == "M_UNKNOWN_TOKEN");
    CHECK(proto::get_bool(refused.body, "soft_logout") == true);
    CHECK(server.count("devices WHERE device_id = 'SECOND'") == "1");
}

TEST_CASE_METHOD(AliceServer, "administrators and the cluster are told from others", "[accounts]") {
    http::Request request;
    request.headers.set("Authorization", "Bearer " + token);
    const auto may = [&](http::Auth auth) {
        try {
            run(authenticator.authenticate(request, auth));
            return std::string{"yes"};
        } catch (const core::MatrixError& error) {
            return error.errcode;
        }
    };
    CHECK(may(http::Auth::kAccessToken) == "yes");
    CHECK(may(http::Auth::kAdmin) == "M_FORBIDDEN");
    CHECK(may(http::Auth::kReplication) != "yes");

    run(users.set_admin("@alice:test", true));
    run(tokens.forget_cached_tokens_of_user("@alice:test"));
    CHECK(may(http::Auth::kAdmin) == "yes");

    request.headers.set("Authorization", "Bearer cluster");
    CHECK(may(http::Auth::kReplication) == "yes");
}

TEST_CASE_METHOD(AliceServer, "logging out ends this session and its device", "[accounts]") {
    const auto second = login("alice").text("access_token");

    CHECK(post("/_matrix/client/v3/logout", "", second).status == 200);

    CHECK_FALSE(is_logged_in(second));
    CHECK(is_logged_in(token));
    CHECK(count("devices WHERE device_id = 'SECOND'") == "0");
}

TEST_CASE_METHOD(AliceServer, "logging out everywhere ends all sessions", "[accounts]") {
    const auto second = login("alice").text("access_token");

    CHECK(post("/_matrix/client/r0/logout/all", "{}", second).status == 200);

    CHECK_FALSE(is_logged_in(second));
    CHECK_FALSE(is_logged_in(token));
    CHECK(count("devices") == "0");
    CHECK(count("access_tokens") == "0");
}

TEST_CASE_METHOD(AliceServer, "where a client was seen is written in batches", "[accounts]") {
    REQUIRE(is_logged_in(token));
    REQUIRE(is_logged_in(token));
    CHECK(client_ips.waiting() == 1);

    run(client_ips.flush());

    CHECK(client_ips.waiting() == 0);
    CHECK(sql("SELECT user_id, ip, user_agent, device_id FROM user_ips") ==
          std::vector<std::vector<std::string>>{{"@alice:test", "192.0.2.1", "tests", "FIRST"}});
    const auto device = get("/_matrix/client/v3/devices/FIRST", token);
    CHECK(device.text("last_seen_ip") == "192.0.2.1");
    CHECK(proto::get_int(device.body, "last_seen_ts") == clock.now_ms());
}

TEST_CASE_METHOD(AliceServer, "header bytes that are no text do not lose a batch of sightings",
                 "[accounts]") {
    storage::ClientIp seen{"@alice:test", token, "192.0.2.9", "\xff\xfe", "FIRST", clock.now_ms()};
    client_ips.record(seen);

    run(client_ips.flush());

    CHECK(count("user_ips WHERE ip = '192.0.2.9' AND user_agent = ''") == "1");
}

TEST_CASE_METHOD(AliceServer, "a new password replaces the old one and logs others out", "[accounts]") {
    const auto second = login("alice").text("access_token");
    const auto path = "/_matrix/client/v3/account/password";
    REQUIRE(post(path, R"({"new_password": "better"})", token).status == 401);

    const auto wrong =
        fmt::format(R"({{"new_password": "better", "auth": {}}})", password_proof("alice", "wrong"));
    CHECK(post(path, wrong, token).errcode() == "M_FORBIDDEN");
    CHECK(post(path, wrong, token).status == 401);
    const auto right = fmt::format(R"({{"new_password": "better", "auth": {}}})", password_proof("alice"));
    CHECK(post(path, right, token).status == 200);

    CHECK(is_logged_in(token));
    CHECK_FALSE(is_logged_in(second));
    CHECK(login("alice").status == 403);
    CHECK(login("alice", "better").status == 200);
}

TEST_CASE_METHOD(AliceServer, "other sessions may be kept over a change of password", "[accounts]") {
    const auto second = login("alice").text("access_token");
    const auto body = fmt::format(R"({{"new_password": "better", "logout_devices": false, "auth": {}}})",
                                  password_proof("alice"));

    CHECK(post("/_matrix/client/v3/account/password", body, token).status == 200);

    CHECK(is_logged_in(second));
}

TEST_CASE_METHOD(AliceServer, "somebody else's password proves nothing", "[accounts]") {
    REQUIRE(register_user("bob").status == 200);
    const auto body = fmt::format(R"({{"new_password": "better", "auth": {}}})", password_proof("bob"));

    const auto answer = post("/_matrix/client/v3/account/password", body, token);

    CHECK(answer.status == 403);
    CHECK(answer.errcode() == "M_FORBIDDEN");
    CHECK(login("alice").status == 200);
}

TEST_CASE_METHOD(AliceServer, "a deactivated account is gone for good, but its name stays taken",
                 "[accounts]") {
    const auto body = fmt::format(R"({{"erase": true, "auth": {}}})", password_proof("alice"));

    const auto answer = post("/_matrix/client/v3/account/deactivate", body, token);

    CHECK(proto::to_json(answer.body) == R"({"id_server_unbind_result":"success"})");
    CHECK_FALSE(is_logged_in(token));
    CHECK(login("alice").errcode() == "M_USER_DEACTIVATED");
    CHECK(register_user("alice").errcode() == "M_USER_IN_USE");
    CHECK(get("/_matrix/client/v3/profile/@alice:test/displayname").status == 404);
    CHECK(count("devices") == "0");
    CHECK(sql("SELECT password_hash FROM users").front().front() == "NULL");
}
