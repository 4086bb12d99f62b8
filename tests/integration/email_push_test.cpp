// Mail about what was not read, for pushers of the kind email.
#include "sync_client.hpp"
#include "weft/handlers/push/email_notifications.hpp"

using namespace weft;
using namespace weft::test;
namespace json = boost::json;

namespace {

struct Outbox final : core::Mailer {
    Task<void> send(core::Mail mail) override {
        if (broken) throw core::SmtpError{"no answer"};
        sent.push_back(std::move(mail));
        co_return;
    }
    bool broken = false;
    std::vector<core::Mail> sent;
};

core::Config with_mail_server() {
    auto config = HomeserverFixture::roomy_config();
    config.email.smtp_host = "mail.invalid";
    return config;
}

struct EmailPush : HomeserverFixture {
    EmailPush() : HomeserverFixture{with_mail_server()} {
        room = create_room("alice", R"({"preset": "public_chat", "name": "Looms"})");
        join("bob", room);
        REQUIRE(run(master->stores.three_pids.add("@bob:test", "email", "bob@example.org", 1)));
    }
    Answer set_pusher(const std::string& token, json::object changes = {}) {
        json::object body{{"app_id", "m.email"},           {"pushkey", "Bob@Example.org"},  {"kind", "email"},
                          {"app_display_name", "Mail"},    {"device_display_name", "Mail"}, {"lang", "en"},
                          {"data", {{"brand", "Weaving"}}}};
        for (const auto& member : changes) body[member.key()] = member.value();
        return post(token, "/pushers/set", proto::to_json(body));
    }
    /// Looks once, as if events were worth a mail after this long.
    void look(std::int64_t delay_ms = 0, bool include_content = true) {
        auto& process = *master;
        handlers::EmailNotifications::Options options;
        options.app_name = "Loom";
        options.include_content = include_content;
        options.delay_ms = delay_ms;
        handlers::EmailNotifications notifications{
            io.get_executor(),
            {process.clock, process.stores.pushers, process.stores.push_queue, process.stores.three_pids,
             process.stores.events, process.stores.states, process.streams.events, outbox},
            options,
            [](const std::string&) { return true; }};
        run(notifications.send_due());
    }
    bool mailed(std::size_t number, std::string_view text) const {
        return outbox.sent.size() == number && outbox.sent.back().text.find(text) != std::string::npos;
    }

    std::string room;
    Outbox outbox;
};

}  // namespace

TEST_CASE_METHOD(EmailPush, "what stays unread for a while is mailed once, all in one mail", "[push]") {
    REQUIRE(set_pusher("bob").status == 200);
    const auto shown = get("bob", "/pushers").body.at("pushers").as_array();
    CHECK(text_at(shown.at(0).as_object(), "pushkey") == "bob@example.org");
    say("alice", room, "the warp\nand the weft");
    const auto taken_back = say("alice", room, "a mistake");
    REQUIRE(
        put("alice", "/rooms/" + room + "/redact/" + http::percent_encode(taken_back) + "/1", "{}").status ==
        200);
    create_room("alice", R"({"preset": "private_chat", "invite": ["@bob:test"]})");

    look(3'600'000);
    CHECK(outbox.sent.empty());
    look();

    REQUIRE(outbox.sent.size() == 1);
    const auto& mail = outbox.sent.front();
    CHECK(mail.to == "bob@example.org");
    CHECK(mail.subject == "[Loom] New messages in 2 rooms");
    CHECK(mail.text.find("In Looms:\n\n  @alice:test: the warp and the weft\n") != std::string::npos);
    CHECK(mail.text.find("@alice:test invites you") != std::string::npos);
    CHECK(mail.text.find("a mistake") == std::string::npos);
    CHECK(mail.text.find("https://matrix.to/#/" + room) != std::string::npos);
    look();
    CHECK(outbox.sent.size() == 1);
}

TEST_CASE_METHOD(EmailPush, "a room that was mailed about is quiet for a while, then longer", "[push]") {
    REQUIRE(set_pusher("bob").status == 200);
    say("alice", room, "one");
    look();
    REQUIRE(mailed(1, "one"));

    say("alice", room, "two");
    look();
    CHECK(outbox.sent.size() == 1);
    sql("UPDATE pusher_throttle SET last_sent_ts = last_sent_ts - 700000");
    look(0, false);
    CHECK(mailed(2, "@alice:test sent a message"));

    CHECK(sql("SELECT throttle_ms FROM pusher_throttle").front().front() == "86400000");
}

TEST_CASE_METHOD(EmailPush, "what was read is not mailed, and what could not be sent is tried again",
                 "[push]") {
    REQUIRE(set_pusher("bob").status == 200);
    const auto read = say("alice", room, "read");
    REQUIRE(post("bob", "/rooms/" + room + "/receipt/m.read/" + http::percent_encode(read)).status == 200);
    look();
    CHECK(outbox.sent.empty());

    say("alice", room, "unread");
    outbox.broken = true;
    look();
    outbox.broken = false;
    look();

    CHECK(mailed(1, "@alice:test: unread"));
}

TEST_CASE_METHOD(EmailPush, "mail goes to the user's own address, as long as it is", "[push]") {
    CHECK(set_pusher("alice").errcode() == "M_THREEPID_NOT_FOUND");
    CHECK(set_pusher("bob", {{"pushkey", "other@example.org"}}).errcode() == "M_THREEPID_NOT_FOUND");
    CHECK(set_pusher("bob", {{"kind", "pigeon"}}).errcode() == "M_INVALID_PARAM");
    REQUIRE(set_pusher("bob").status == 200);
    say("alice", room, "private");

    REQUIRE(run(master->stores.three_pids.remove("@bob:test", "email", "bob@example.org")));
    look();

    CHECK(outbox.sent.empty());
    CHECK(get("bob", "/pushers").body.at("pushers").as_array().empty());
}
