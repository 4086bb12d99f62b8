#include <functional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "homeserver_fixture.hpp"
#include "weft/handlers/push/push_sender.hpp"
#include "weft/http/client.hpp"

using namespace weft;
namespace json = boost::json;

namespace {

constexpr std::string_view kGatewayUrl = "https://push.example.org/_matrix/push/v1/notify";

/// A push gateway that answers as it is told, and the process that pushes to it.
struct PushFixture : test::HomeserverFixture {
    PushFixture() { start(); }
    ~PushFixture() { run(sender->stop()); }

    void start() {
        auto& process = *master;
        handlers::PushSender::Options options;
        options.self = "master";
        options.instances = {"master"};
        options.backoff_first_ms = 5;
        sender = std::make_unique<handlers::PushSender>(
            io.get_executor(),
            handlers::PushSender::Sources{process.clock, process.stores.pushers, process.stores.push_queue,
                                          process.stores.push_actions, process.stores.events,
                                          process.stores.states, process.streams.events,
                                          process.streams.receipts},
            options, [this](std::string url, std::string body) {
                return post_to_gateway(std::move(url), std::move(body));
            });
        sender->on_rejected([&process](storage::PusherKey key) -> Task<void> {
            co_await process.stores.pushers.remove(std::move(key));
        });
        run(sender->start());
    }
    void restart() {
        stopped.push_back(std::move(sender));
        start();
    }

    Task<http::Response> post_to_gateway(std::string url, std::string body) {
        urls.push_back(std::move(url));
        const auto parsed = proto::parse_json_object(body);
        notified.push_back(parsed.value().at("notification").as_object());
        co_return gateway();
    }
    Answer set_pusher(const std::string& token, json::object changes = {}) {
        json::object body{{"app_id", "org.example.app"},
                          {"pushkey", "key of " + token},
                          {"kind", "http"},
                          {"app_display_name", "Loom"},
                          {"device_display_name", "Phone"},
                          {"lang", "en"},
                          {"data", json::object{{"url", kGatewayUrl}}}};
        for (const auto& member : changes) body[member.key()] = member.value();
        return post(token, "/pushers/set", proto::to_json(body));
    }
    /// A room of Alice's and Bob's.
    std::string shared_room(const std::string& options = R"({"preset": "public_chat", "name": "Looms"})") {
        const auto room_id = create_room("alice", options);
        join("bob", room_id);
        return room_id;
    }
    const json::object& wait_for_notification(std::size_t number = 1) {
        run_until([&] { return notified.size() >= number; });
        return notified[number - 1];
    }
    std::string user(const std::string& name) const { return "@" + name + ":" + config.server_name; }

    std::vector<std::string> urls;
    std::vector<json::object> notified;
    std::function<http::Response()> gateway = [] { return http::Response{200, R"({"rejected": []})"}; };
    std::unique_ptr<handlers::PushSender> sender;
    std::vector<std::unique_ptr<handlers::PushSender>> stopped;  // their hooks stay with the streams
};

using Rows = std::vector<std::vector<std::string>>;

std::string text(const json::object& object, std::string_view key) {
    return std::string{proto::get_string(object, key).value_or("")};
}

const json::object& object_at(const json::object& object, std::string_view key) {
    return object.at(key).as_object();
}

std::int64_t unread_of(const json::object& notification) {
    const auto* counts = proto::get_object(notification, "counts");
    return counts ? proto::get_int(*counts, "unread").value_or(0) : -1;
}

const json::object& device_of(const json::object& notification) {
    return notification.at("devices").as_array().at(0).as_object();
}

}  // namespace

TEST_CASE("a message is pushed with what the gateway wants to know, and reading it tells the new badge",
          "[push]") {
    PushFixture home;
    const auto room_id = home.shared_room();
    REQUIRE(home.set_pusher("bob",
                            {{"data", json::object{{"url", kGatewayUrl},
                                                   {"mine", 1}}}})
                .status == 200);

    const auto event_id = home.say("alice", room_id, "hello");
    const auto& pushed = home.wait_for_notification();
    INFO(json::serialize(pushed));
    CHECK(home.urls.front() == kGatewayUrl);
    CHECK(text(pushed, "event_id") == event_id);
    CHECK(text(pushed, "room_id") == room_id);
    CHECK(text(pushed, "type") == "m.room.message");
    CHECK(text(pushed, "sender") == home.user("alice"));
    CHECK(text(pushed, "room_name") == "Looms");
    CHECK(text(object_at(pushed, "content"), "body") == "hello");
    CHECK(text(pushed, "prio") == "high");  // a room of two makes a sound
    CHECK(unread_of(pushed) == 1);
    const auto& device = device_of(pushed);
    CHECK(text(device, "app_id") == "org.example.app");
    CHECK(text(device, "pushkey") == "key of bob");
    CHECK(device.at("data").as_object() == json::object{{"mine", 1}});
    CHECK(text(object_at(device, "tweaks"), "sound") == "default");

    REQUIRE(home.post("bob", "/rooms/" + room_id + "/receipt/m.read/" + event_id).status == 200);
    const auto& badge = home.wait_for_notification(2);
    CHECK_FALSE(badge.contains("event_id"));
    CHECK(unread_of(badge) == 0);
    const auto rows = home.sql(
        "SELECT last_stream_ordering > 0, last_success IS NOT NULL, failing_since IS NULL FROM pushers");
    CHECK(rows == Rows{{"t", "t", "t"}});
}

TEST_CASE("a pusher that wants event IDs only is told no more", "[push]") {
    PushFixture home;
    const auto room_id = home.shared_room();
    const json::object data{{"url", kGatewayUrl},
                            {"format", "event_id_only"}};
    REQUIRE(home.set_pusher("bob", json::object{{"data", data}}).status == 200);

    const auto event_id = home.say("alice", room_id, "hello");
    const auto& pushed = home.wait_for_notification();
    CHECK(text(pushed, "event_id") == event_id);
    CHECK(unread_of(pushed) == 1);
    for (const auto* const key : {"sender", "type", "content", "room_name", "sender_display_name"})
        CHECK_FALSE(pushed.contains(key));
    CHECK(device_of(pushed).at("data").as_object() == json::object{{"format", "event_id_only"}});
}

TEST_CASE("a gateway that fails is asked again until it takes the notification, in the order of events",
          "[push]") {
    PushFixture home;
    const auto room_id = home.shared_room();
    int failures = 3;
    home.gateway = [&]() -> http::Response {
        if (failures-- > 2) throw http::ClientError{http::ClientError::Kind::kConnect, "nobody there"};
        if (failures >= 0) return http::Response{502, "busy"};
        return http::Response{200, R"({"rejected": []})"};
    };
    REQUIRE(home.set_pusher("bob").status == 200);
    const auto first = home.say("alice", room_id, "one");
    home.run_until([&] { return home.sql("SELECT failing_since IS NOT NULL FROM pushers") == Rows{{"t"}}; });
    const auto second = home.say("alice", room_id, "two");
    home.wait_for_notification(5);
    std::vector<std::string> order;
    for (const auto& each : home.notified) order.push_back(text(each, "event_id"));
    CHECK(order == std::vector<std::string>{first, first, first, first, second});
    home.run_until([&] { return home.sql("SELECT failing_since IS NULL FROM pushers") == Rows{{"t"}}; });
}

TEST_CASE("a push key that the gateway rejects is removed with its pusher", "[push]") {
    PushFixture home;
    const auto room_id = home.shared_room();
    home.gateway = [] { return http::Response{200, R"({"rejected": ["key of bob"]})"}; };
    REQUIRE(home.set_pusher("bob").status == 200);
    home.say("alice", room_id, "one");
    home.run_until([&] { return home.sql("SELECT 1 FROM pushers").empty(); });
    CHECK(home.get("bob", "/pushers").body.at("pushers").as_array().empty());
}

TEST_CASE("a restarted pusher goes on where it was, without what was read meanwhile", "[push]") {
    PushFixture home;
    const auto room_id = home.shared_room();
    REQUIRE(home.set_pusher("bob").status == 200);
    home.say("alice", room_id, "one");
    home.wait_for_notification();
    home.run_until([&] { return !home.sql("SELECT 1 FROM pushers WHERE last_success IS NOT NULL").empty(); });
    home.run(home.sender->stop());

    const auto read = home.say("alice", room_id, "two");
    REQUIRE(home.post("bob", "/rooms/" + room_id + "/receipt/m.read/" + read).status == 200);
    const auto missed = home.say("alice", room_id, "three");
    home.restart();
    CHECK(text(home.wait_for_notification(2), "event_id") == missed);
    CHECK(home.notified.size() == 2);
}

TEST_CASE("invitations and other rooms count for the badge; muted rooms and own messages are not pushed",
          "[push]") {
    PushFixture home;
    const auto room_id = home.shared_room();
    const auto other = home.shared_room(R"({"preset": "public_chat"})");
    REQUIRE(home.set_pusher("bob").status == 200);
    home.say("bob", room_id, "my own");
    REQUIRE(home.put("bob", "/pushrules/global/room/" + other, R"({"actions": []})").status == 200);
    home.say("alice", other, "muted");
    const auto invited = home.create_room("alice", R"({"preset": "private_chat"})");
    home.change("alice", invited, "invite", "bob");
    const auto& invite = home.wait_for_notification();
    CHECK(invite.at("user_is_target").as_bool());
    CHECK(text(invite, "room_id") == invited);
    CHECK(unread_of(invite) == 1);
    home.say("alice", room_id, "first");
    home.say("alice", room_id, "second");
    CHECK(unread_of(home.wait_for_notification(2)) == 2);
    CHECK(unread_of(home.wait_for_notification(3)) == 2);  // rooms are counted
}

TEST_CASE("pushers are set, listed, replaced and deleted", "[push]") {
    PushFixture home;
    REQUIRE(home.set_pusher("bob", {{"profile_tag", "tag"}}).status == 200);
    auto listed = home.get("bob", "/pushers").body.at("pushers").as_array();
    REQUIRE(listed.size() == 1);
    CHECK(text(listed.at(0).as_object(), "profile_tag") == "tag");
    CHECK(text(listed.at(0).as_object(), "lang") == "en");

    REQUIRE(home.set_pusher("bob", {{"device_display_name", "Tablet"}}).status == 200);
    listed = home.get("bob", "/pushers").body.at("pushers").as_array();
    REQUIRE(listed.size() == 1);
    CHECK(text(listed.at(0).as_object(), "device_display_name") == "Tablet");

    // The same phone with another account: the first one's pusher goes, unless it is to be kept.
    REQUIRE(home.set_pusher("carol", {{"pushkey", "key of bob"}, {"append", true}}).status == 200);
    CHECK(home.get("bob", "/pushers").body.at("pushers").as_array().size() == 1);
    REQUIRE(home.set_pusher("carol", {{"pushkey", "key of bob"}}).status == 200);
    CHECK(home.get("bob", "/pushers").body.at("pushers").as_array().empty());

    REQUIRE(home.post("carol", "/pushers/set",
                      R"({"app_id": "org.example.app", "pushkey": "key of bob", "kind": null})")
                .status == 200);
    CHECK(home.get("carol", "/pushers").body.at("pushers").as_array().empty());
}

TEST_CASE("a pusher that makes no sense is refused", "[push]") {
    PushFixture home;
    struct Case {
        json::object changes;
        std::string errcode;
    };
    const auto with = [](std::string_view key, json::value value) {
        json::object changes;
        changes[key] = std::move(value);
        return changes;
    };
    const auto with_url = [&](std::string_view address) {
        json::object data;
        data["url"] = address;
        return with("data", std::move(data));
    };
    const std::vector<Case> cases{
        {with("app_id", json::value(std::string(65, 'a'))), "M_INVALID_PARAM"},
        {with("pushkey", json::value(std::string(513, 'a'))), "M_INVALID_PARAM"},
        {with("pushkey", json::value()), "M_MISSING_PARAM"},
        {with("kind", json::value("carrier pigeon")), "M_INVALID_PARAM"},
        {with("kind", json::value(7)), "M_BAD_JSON"},
        {with("lang", json::value()), "M_MISSING_PARAM"},
        {with("app_display_name", json::value(json::array())), "M_BAD_JSON"},
        {with("data", json::value("text")), "M_BAD_JSON"},
        {with("data", json::value(json::object())), "M_MISSING_PARAM"},
        {with_url("https://push.example.org/elsewhere"), "M_INVALID_PARAM"},
        {with_url("ftp://push.example.org/_matrix/push/v1/notify"), "M_INVALID_PARAM"},
        {with("data", json::value(json::object{{"url", 1}})), "M_BAD_JSON"},
        {with("data", json::value(json::object{{"url", kGatewayUrl}, {"format", 0}})), "M_BAD_JSON"},
        {with("append", json::value("yes")), "M_BAD_JSON"},
    };
    for (const auto& each : cases) {
        const auto answer = home.set_pusher("bob", each.changes);
        INFO(json::serialize(each.changes) << " " << json::serialize(answer.body));
        CHECK(answer.status == 400);
        CHECK(answer.errcode() == each.errcode);
    }
    CHECK(home.post("bob", "/pushers/set", "{}").errcode() == "M_MISSING_PARAM");
    CHECK(home.get("bob", "/pushers").body.at("pushers").as_array().empty());
}

TEST_CASE("a removed device takes its pushers with it", "[push]") {
    PushFixture home;
    REQUIRE(home.set_pusher("bob/PHONE").status == 200);
    REQUIRE(home.set_pusher("bob/TABLET").status == 200);
    home.run(home.master->services.devices.remove(home.user("bob"), std::vector<std::string>{"PHONE"}));
    const auto listed = home.get("bob", "/pushers").body.at("pushers").as_array();
    REQUIRE(listed.size() == 1);
    CHECK(text(listed.at(0).as_object(), "pushkey") == "key of bob/TABLET");
}

TEST_CASE("the list of notifications is paged, the newest first, and knows what was read", "[push]") {
    PushFixture home;
    const auto room_id = home.shared_room();
    const auto mention = proto::to_json(
        json::object{{"msgtype", "m.text"},
                     {"body", "bob: look"},
                     {"m.mentions", json::object{{"user_ids", json::array{home.user("bob")}}}}});
    const auto mentioned =
        home.put("alice", "/rooms/" + room_id + "/send/m.room.message/mention", mention).text("event_id");
    const auto one = home.say("alice", room_id, "one");
    const auto two = home.say("alice", room_id, "two");

    const auto page = home.get("bob", "/notifications?limit=2");
    REQUIRE(page.status == 200);
    const auto& newest = page.body.at("notifications").as_array();
    REQUIRE(newest.size() == 2);
    CHECK(text(object_at(newest.at(0).as_object(), "event"), "event_id") == two);
    CHECK(text(object_at(newest.at(1).as_object(), "event"), "event_id") == one);
    CHECK_FALSE(newest.at(0).as_object().at("read").as_bool());
    CHECK(text(newest.at(0).as_object(), "room_id") == room_id);
    CHECK(newest.at(0).as_object().at("actions").as_array().at(0).as_string() == "notify");
    const auto rest = home.get("bob", "/notifications?from=" + page.text("next_token"));
    REQUIRE(rest.body.at("notifications").as_array().size() == 1);
    CHECK_FALSE(rest.body.contains("next_token"));

    REQUIRE(home.post("bob", "/rooms/" + room_id + "/receipt/m.read/" + two).status == 200);
    const auto highlights =
        home.get("bob", "/notifications?only=highlight").body.at("notifications").as_array();
    REQUIRE(highlights.size() == 1);
    CHECK(text(object_at(highlights.at(0).as_object(), "event"), "event_id") == mentioned);
    CHECK(highlights.at(0).as_object().at("read").as_bool());
    CHECK(home.get("bob", "/notifications?from=nonsense").errcode() == "M_INVALID_PARAM");
    CHECK(home.get("bob", "/notifications?limit=0").errcode() == "M_INVALID_PARAM");
}

TEST_CASE_METHOD(PushFixture, "nobody is notified of what somebody does whom they ignore", "[push]") {
    const auto room_id = shared_room();
    REQUIRE(set_pusher("bob").status == 200);
    say("alice", room_id, "hello");
    wait_for_notification(1);
    const auto ignore = [&](const std::string& users) {
        const auto path = "/user/@bob:test/account_data/m.ignored_user_list";
        REQUIRE(put("bob", path, R"({"ignored_users": )" + users + "}").status == 200);
    };

    ignore(R"({"@alice:test": {}})");
    say("alice", room_id, "anybody there, bob?");
    create_room("alice", R"({"preset": "private_chat", "invite": ["@bob:test"]})");
    ignore("{}");
    say("alice", room_id, "again");

    CHECK(wait_for_notification(2).at("content").at("body") == "again");
    CHECK(get("bob", "/notifications").body.at("notifications").as_array().size() == 2);
}
