#include <catch2/catch.hpp>

#include "accounts_fixture.hpp"

using namespace weft;
using test::accounts_config;
using test::AccountsAnswer;
using test::AccountsFixture;

namespace {

const std::string kV3 = "/_matrix/client/v3";

core::Config email_config() {
    auto config = accounts_config();
    config.email.smtp_host = "localhost";
    config.email.notif_from = "Weft <noreply@test>";
    return config;
}

struct EmailServer : AccountsFixture {
    explicit EmailServer(core::Config settings = email_config()) : AccountsFixture{std::move(settings)} {
        token = register_user("alice").text("access_token");
    }

    AccountsAnswer ask(const std::string& what, const std::string& email, int attempt = 1,
                       const std::string& more = "") {
        return post(fmt::format("{}{}/email/requestToken", kV3, what),
                    fmt::format(R"({{"client_secret": "s3cret", "email": "{}", "send_attempt": {}{}}})",
                                email, attempt, more));
    }
    /// The query of the link in the newest e-mail.
    std::string link() const {
        const auto& text = mailer.sent.back().text;
        const auto begin = text.find("token=");
        return text.substr(begin, text.find('\n', begin) - begin);
    }
    http::Response follow(const std::string& form) {
        http::Request request;
        request.method = http::Method::kPost;
        request.target = request.path = std::string{handlers::ThirdPartyIds::kLinkPath};
        request.body = form;
        return run(router.handle(std::move(request)));
    }
    /// Proves an address; the session's ID.
    std::string proven_session(const std::string& what, const std::string& email) {
        const auto sid = ask(what, email).text("sid");
        REQUIRE(follow(link()).status == 200);
        return sid;
    }
    void give_alice_an_address() {
        const auto sid = proven_session("/account/3pid", "alice@example.org");
        REQUIRE(add(sid).status == 200);
    }
    AccountsAnswer add(const std::string& sid) {
        return post(kV3 + "/account/3pid/add",
                    fmt::format(R"({{"sid": "{}", "client_secret": "s3cret", "auth": {}}})", sid,
                                password_proof("alice")),
                    token);
    }
    static std::string email_proof(const std::string& sid, const std::string& session = "") {
        return fmt::format(R"({{"type": "m.login.email.identity", "session": "{}",
                                "threepid_creds": {{"sid": "{}", "client_secret": "s3cret"}}}})",
                           session, sid);
    }

    std::string token;
};

}  // namespace

TEST_CASE_METHOD(EmailServer, "an address is added once its owner has followed the link", "[accounts]") {
    const auto asked = ask("/account/3pid", "Alice@Example.org");
    REQUIRE(asked.status == 200);
    REQUIRE(mailer.sent.size() == 1);
    CHECK(mailer.sent.front().to == "alice@example.org");
    CHECK(mailer.sent.front().text.find(
              "https://matrix.test/_matrix/client/unstable/email/submit_token?token=") != std::string::npos);
    CHECK(add(asked.text("sid")).errcode() == "M_THREEPID_AUTH_FAILED");

    const auto page = follow(link());
    CHECK(page.status == 200);
    CHECK(page.content_type.starts_with("text/html"));
    CHECK(add(asked.text("sid")).status == 200);

    const auto list = get(kV3 + "/account/3pid", token).body.at("threepids").as_array();
    REQUIRE(list.size() == 1);
    CHECK(list[0].at("medium") == "email");
    CHECK(list[0].at("address") == "alice@example.org");
}

TEST_CASE_METHOD(EmailServer, "an attempt that is repeated sends nothing, a new one does", "[accounts]") {
    const auto first = ask("/account/3pid", "alice@example.org");
    CHECK(ask("/account/3pid", "alice@example.org").text("sid") == first.text("sid"));
    CHECK(mailer.sent.size() == 1);

    CHECK(ask("/account/3pid", "alice@example.org", 2).text("sid") == first.text("sid"));
    CHECK(mailer.sent.size() == 2);
}

TEST_CASE_METHOD(EmailServer, "links are good for an hour, and only with all their parts", "[accounts]") {
    ask("/account/3pid", "alice@example.org");
    const auto good = link();

    CHECK(follow(good + "x").status == 400);
    CHECK(follow("token=x&client_secret=s3cret&sid=x").status == 400);
    CHECK(follow("token=x").status == 400);
    clock.advance(core::Milliseconds{3'600'001});
    CHECK(follow(good).status == 400);
}

TEST_CASE_METHOD(EmailServer, "opening the link only asks for confirmation", "[accounts]") {
    const auto sid = ask("/account/3pid", "alice@example.org").text("sid");
    http::Request request;
    request.target = fmt::format("{}?{}", handlers::ThirdPartyIds::kLinkPath, link());
    request.path = std::string{handlers::ThirdPartyIds::kLinkPath};
    request.query = http::parse_query(link()).value();

    const auto page = run(router.handle(std::move(request)));

    CHECK(page.status == 200);
    CHECK(page.body.find("<form method=\"post\">") != std::string::npos);
    CHECK(add(sid).errcode() == "M_THREEPID_AUTH_FAILED");
}

TEST_CASE_METHOD(EmailServer, "the link leads on to where the client said", "[accounts]") {
    ask("/account/3pid", "alice@example.org", 1, R"(, "next_link": "https://app.example.org/done")");
    const auto answer = follow(link());
    CHECK(answer.status == 302);
    CHECK(answer.headers.get("Location") == "https://app.example.org/done");

    CHECK(ask("/account/3pid", "bob@example.org", 1, R"(, "next_link": "javascript:alert")").errcode() ==
          "M_INVALID_PARAM");
}

TEST_CASE_METHOD(EmailServer, "an address belongs to one account", "[accounts]") {
    give_alice_an_address();

    CHECK(ask("/account/3pid", "ALICE@example.org").errcode() == "M_THREEPID_IN_USE");
    CHECK(ask("/register", "alice@example.org").errcode() == "M_THREEPID_IN_USE");
    CHECK(ask("/account/password", "bob@example.org").errcode() == "M_THREEPID_NOT_FOUND");
}

TEST_CASE_METHOD(EmailServer, "people log in with their address", "[accounts]") {
    give_alice_an_address();
    const auto try_login = [&](const std::string& address) {
        return post(kV3 + "/login",
                    fmt::format(R"({{"type": "m.login.password", "password": "secret", "identifier":
                        {{"type": "m.id.thirdparty", "medium": "email", "address": "{}"}}}})",
                                address));
    };

    CHECK(try_login("Alice@example.org").text("user_id") == "@alice:test");
    CHECK(try_login("nobody@example.org").errcode() == "M_FORBIDDEN");
}

TEST_CASE_METHOD(EmailServer, "a forgotten password is reset by e-mail, and all sessions end", "[accounts]") {
    give_alice_an_address();
    const auto sid = proven_session("/account/password", "alice@example.org");

    const auto answer =
        post(kV3 + "/account/password",
             fmt::format(R"({{"new_password": "new secret", "auth": {}}})", email_proof(sid)));

    REQUIRE(answer.status == 200);
    CHECK_FALSE(is_logged_in(token));
    CHECK(login("alice").status == 403);
    CHECK(login("alice", "new secret").status == 200);
    CHECK(post(kV3 + "/account/password",
               fmt::format(R"({{"new_password": "again", "auth": {}}})", email_proof(sid)))
              .status == 401);
}

TEST_CASE_METHOD(EmailServer, "an address that was not proven resets nothing", "[accounts]") {
    give_alice_an_address();
    const auto sid = ask("/account/password", "alice@example.org").text("sid");

    const auto answer = post(kV3 + "/account/password",
                             fmt::format(R"({{"new_password": "x", "auth": {}}})", email_proof(sid)));

    CHECK(answer.status == 401);
    CHECK(answer.errcode() == "M_THREEPID_AUTH_FAILED");
    CHECK(login("alice").status == 200);
}

TEST_CASE_METHOD(EmailServer, "addresses are removed, also with the account", "[accounts]") {
    give_alice_an_address();
    const auto removal = R"({"medium": "email", "address": "alice@example.org"})";
    const auto removed = post(kV3 + "/account/3pid/delete", removal, token);
    CHECK(removed.text("id_server_unbind_result") == "no-support");
    CHECK(get(kV3 + "/account/3pid", token).body.at("threepids").as_array().empty());
}

TEST_CASE_METHOD(EmailServer, "telephone numbers are refused", "[accounts]") {
    CHECK(post(kV3 + "/register/msisdn/requestToken",
               R"({"client_secret": "x", "country": "GB", "phone_number": "1", "send_attempt": 1})")
              .errcode() == "M_THREEPID_DENIED");
}

TEST_CASE_METHOD(EmailServer, "a mail that cannot be sent can be asked for again", "[accounts]") {
    mailer.broken = true;
    CHECK(ask("/account/3pid", "alice@example.org").status == 500);

    mailer.broken = false;
    CHECK(ask("/account/3pid", "alice@example.org").status == 200);
    CHECK(mailer.sent.size() == 1);
}

TEST_CASE("registration can ask for an e-mail address", "[accounts]") {
    auto config = email_config();
    config.registration_requires_email = true;
    EmailServer server{std::move(config)};
    const auto wish = R"({"username": "bob", "password": "secret")";
    const auto asked = server.post(kV3 + "/register", std::string{wish} + "}");
    CHECK(proto::to_json(asked.body.at("flows")) == R"([{"stages":["m.login.email.identity"]}])");

    const auto sid = server.proven_session("/register", "bob@example.org");
    const auto made = server.post(
        kV3 + "/register",
        fmt::format("{}, \"auth\": {}}}", wish, EmailServer::email_proof(sid, asked.text("session"))));

    REQUIRE(made.status == 200);
    const auto list = server.get(kV3 + "/account/3pid", made.text("access_token")).body.at("threepids");
    CHECK(list.at(0).at("address") == "bob@example.org");
}

TEST_CASE("without a mail server nothing asks for e-mail", "[accounts]") {
    EmailServer server{accounts_config()};
    CHECK(server.ask("/account/3pid", "alice@example.org").errcode() == "M_THREEPID_DENIED");
    CHECK(server.post(kV3 + "/account/password", R"({"new_password": "x"})").errcode() == "M_MISSING_TOKEN");
}
