// Events that are sent later (MSC4140), and the small services beside rooms.
#include "sync_client.hpp"

using namespace weft;
using namespace weft::test;
namespace json = boost::json;

namespace {

const std::string kPath = "/_matrix/client/unstable/org.matrix.msc4140/delayed_events";

struct DelayedFixture : HomeserverFixture {
    explicit DelayedFixture(core::Config wanted = roomy_config()) : HomeserverFixture{std::move(wanted)} {
        master->services.delayed_events.start();
    }

    Answer send_later(const std::string& room, int delay_ms, const std::string& txn,
                      const std::string& token = "alice") {
        return put(
            token,
            fmt::format("/rooms/{}/send/m.room.message/{}?org.matrix.msc4140.delay={}", room, txn, delay_ms),
            R"({"msgtype": "m.text", "body": "later"})");
    }
    std::size_t waiting(const std::string& token = "alice") {
        return get(token, kPath).body.at("delayed_events").as_array().size();
    }
    Strings messages(const std::string& room) {
        const auto answer = get("alice", fmt::format("/rooms/{}/messages?dir=b&limit=3", room));
        std::vector<json::object> list;
        for (const auto& event : answer.body.at("chunk").as_array()) list.push_back(event.as_object());
        return told(list);
    }
};

}  // namespace

TEST_CASE("a delayed event is sent when its time comes, once", "[delayed]") {
    DelayedFixture fixture;
    const auto room = fixture.create_room("alice");
    const auto first = fixture.send_later(room, 1, "t1");
    REQUIRE(first.status == 200);
    CHECK_FALSE(first.text("delay_id").empty());

    CHECK(eventually(fixture, [&] { return has(fixture.messages(room), "later"); }));
    CHECK(eventually(fixture, [&] { return fixture.waiting() == 0; }));
    CHECK(fixture.messages(room).front() == "later");
}

TEST_CASE("a delayed event can be looked at, sent at once, put off and cancelled", "[delayed]") {
    DelayedFixture fixture;
    const auto room = fixture.create_room("alice");
    const auto now = fixture.send_later(room, 600'000, "t1").text("delay_id");
    const auto never = fixture.send_later(room, 600'000, "t2").text("delay_id");
    CHECK(fixture.send_later(room, 600'000, "t2").text("delay_id") == never);
    REQUIRE(fixture.waiting() == 2);
    CHECK(fixture.waiting("bob") == 0);
    const auto listed = fixture.get("alice", kPath).body.at("delayed_events").at(0).as_object();
    CHECK(text_at(listed, "room_id") == room);
    CHECK(listed.at("delay") == 600'000);
    CHECK(listed.at("content").at("body") == "later");

    CHECK(fixture.post("alice", kPath + "/" + never, R"({"action": "restart"})").status == 200);
    CHECK(fixture.post("alice", kPath + "/" + never + "/cancel").status == 200);
    CHECK(fixture.post("alice", kPath + "/" + never + "/cancel").errcode() == "M_NOT_FOUND");
    CHECK(fixture.post("alice", kPath + "/" + now, R"({"action": "now"})").errcode() == "M_INVALID_PARAM");
    CHECK(fixture.post("alice", kPath + "/" + now, "{}").errcode() == "M_MISSING_PARAM");
    CHECK(fixture.post("alice", kPath + "/" + now, R"({"action": "send"})").status == 200);
    CHECK(eventually(fixture, [&] { return fixture.messages(room).front() == "later"; }));
    CHECK(eventually(fixture, [&] { return fixture.waiting() == 0; }));
}

TEST_CASE("delayed state gives way to newer state of somebody else", "[delayed]") {
    DelayedFixture fixture;
    const auto room = fixture.create_room(
        "alice", R"({"preset": "public_chat", "power_level_content_override": {"users_default": 100}})");
    fixture.join("bob", room);
    const auto path = fmt::format("/rooms/{}/state/x.call/?org.matrix.msc4140.delay=600000", room);
    REQUIRE(fixture.put("alice", path, R"({"left": true})").status == 200);
    fixture.set_state("alice", room, "x.call", R"({"n": 1})");
    CHECK(fixture.waiting() == 1);
    fixture.set_state("bob", room, "x.call", R"({"n": 2})");
    CHECK(eventually(fixture, [&] { return fixture.waiting() == 0; }));
}

TEST_CASE("what is delayed survives a restart of the master", "[delayed]") {
    DelayedFixture fixture;
    const auto room = fixture.create_room("alice");
    REQUIRE(fixture.send_later(room, 600'000, "t1").status == 200);
    fixture.restart_master();
    fixture.sql("UPDATE weft_delayed_events SET send_ts = 0");
    fixture.master->services.delayed_events.start();
    CHECK(eventually(fixture, [&] { return fixture.messages(room).front() == "later"; }));
}

TEST_CASE("delayed events have limits", "[delayed]") {
    auto config = HomeserverFixture::roomy_config();
    config.delayed_events_max_ms = 1'000;
    DelayedFixture fixture{config};
    const auto room = fixture.create_room("alice");
    const auto refused = fixture.send_later(room, 1'001, "t1");
    CHECK(refused.errcode() == "M_UNKNOWN");
    CHECK(refused.text("org.matrix.msc4140.errcode") == "M_MAX_DELAY_EXCEEDED");
    CHECK(fixture.send_later(room, 500, "t1", "bob").errcode() == "M_FORBIDDEN");
    CHECK(fixture.send_later(room, -1, "t1").errcode() == "M_INVALID_PARAM");
}

TEST_CASE("an OpenID token tells others who somebody is", "[delayed]") {
    HomeserverFixture fixture;
    const auto token = fixture.post("alice", "/user/@alice:test/openid/request_token");
    REQUIRE(token.status == 200);
    CHECK(token.text("token_type") == "Bearer");
    CHECK(token.text("matrix_server_name") == "test");
    const std::string path = "/_matrix/federation/v1/openid/userinfo";
    CHECK(fixture.get("", path + "?access_token=" + token.text("access_token")).text("sub") == "@alice:test");
    CHECK(fixture.get("", path + "?access_token=x").errcode() == "M_UNKNOWN_TOKEN");
    CHECK(fixture.get("", path).errcode() == "M_MISSING_TOKEN");
    CHECK(fixture.post("alice", "/user/@bob:test/openid/request_token").errcode() == "M_FORBIDDEN");
    fixture.sql("UPDATE open_id_tokens SET ts_valid_until_ms = 1");
    CHECK(fixture.get("", path + "?access_token=" + token.text("access_token")).errcode() ==
          "M_UNKNOWN_TOKEN");
}

TEST_CASE("clients are told of TURN servers and of whom to ask for help, where there are any", "[delayed]") {
    HomeserverFixture bare;
    CHECK(bare.get("alice", "/voip/turnServer").errcode() == "M_NOT_FOUND");
    CHECK(bare.get("", "/.well-known/matrix/support").status == 404);
    CHECK(bare.get("", "/.well-known/matrix/policy_server").errcode() == "M_NOT_FOUND");

    auto config = HomeserverFixture::roomy_config();
    config.turn.uris = {"turn:turn.test:3478"};
    config.turn.shared_secret = "secret";
    config.support.contacts.push_back({"m.role.admin", "@admin:test", ""});
    HomeserverFixture fixture{config};
    const auto answer = fixture.get("alice", "/voip/turnServer");
    CHECK(answer.body.at("uris") == json::array{"turn:turn.test:3478"});
    CHECK(answer.body.at("ttl") == 3'600);
    CHECK(answer.text("username").ends_with(":@alice:test"));
    CHECK(answer.text("password").size() == 28);
    const auto support = fixture.get("", "/.well-known/matrix/support");
    CHECK(support.body.at("contacts").at(0).at("matrix_id") == "@admin:test");
}
