// What a sync tells besides events: typing, receipts, unread counts, presence, account data, messages to devices.
#include "sync_client.hpp"

using namespace weft;
using namespace weft::test;
namespace json = boost::json;

namespace {

struct Chat {
    explicit Chat(HomeserverFixture& fixture, const std::string& filter = {})
        : room_id{fixture.create_room("alice")}, bob{fixture, "bob", filter} {
        fixture.join("bob", room_id);
        bob.sync();
    }
    std::string path(const std::string& tail) const { return fmt::format("/rooms/{}/{}", room_id, tail); }
    std::string room_id;
    SyncClient bob;
};

std::vector<json::object> ephemeral(const json::object& answer, const std::string& room_id) {
    return events(answer, {"rooms", "join", room_id, "ephemeral"});
}
std::pair<int, int> unread(const json::object& answer, const std::string& room_id) {
    const auto& counts = part(answer, {"rooms", "join", room_id, "unread_notifications"})->as_object();
    return {counts.at("notification_count").to_number<int>(), counts.at("highlight_count").to_number<int>()};
}
Strings types(const std::vector<json::object>& events) {
    Strings out;
    for (const auto& event : events) out.push_back(text_at(event, "type"));
    return sorted(out);
}
json::object content_of(const std::vector<json::object>& events, std::string_view type) {
    for (const auto& event : events) {
        if (text_at(event, "type") == type) return event.at("content").as_object();
    }
    return {};
}

}  // namespace

TEST_CASE("typing comes and goes", "[sync]") {
    HomeserverFixture fixture;
    Chat chat{fixture};
    fixture.put("alice", chat.path("typing/@alice:test"), R"({"typing": true, "timeout": 9000})");
    const auto began = chat.bob.sync();
    const auto newcomer = SyncClient(fixture, "bob").sync();
    fixture.put("alice", chat.path("typing/@alice:test"), R"({"typing": false})");
    const auto ended = chat.bob.sync();

    const json::object alice_types{{"user_ids", {"@alice:test"}}};
    CHECK(content_of(ephemeral(began, chat.room_id), "m.typing") == alice_types);
    CHECK(joined_timeline(began, chat.room_id).empty());
    CHECK_FALSE(prev_batch(began, chat.room_id).empty());
    CHECK(content_of(ephemeral(newcomer, chat.room_id), "m.typing") == alice_types);
    CHECK(content_of(ephemeral(ended, chat.room_id), "m.typing") == json::object{{"user_ids", json::array{}}});
    CHECK_FALSE(chat.bob.sync().contains("rooms"));
    CHECK(ephemeral(SyncClient(fixture, "bob").sync(), chat.room_id).empty());
}

TEST_CASE("receipts come to all, private ones to their user", "[sync]") {
    HomeserverFixture fixture;
    Chat chat{fixture};
    SyncClient alice{fixture, "alice"};
    const auto event = fixture.say("alice", chat.room_id, "x");
    alice.sync();
    chat.bob.sync();
    fixture.post("bob", chat.path("receipt/m.read.private/" + event));
    const auto private_for_alice = alice.sync();
    const auto private_for_bob = chat.bob.sync();
    fixture.post("bob", chat.path("receipt/m.read/" + event));
    const auto open_for_alice = alice.sync();
    const auto newcomer = SyncClient(fixture, "alice").sync();

    CHECK_FALSE(private_for_alice.contains("rooms"));
    const auto own = content_of(ephemeral(private_for_bob, chat.room_id), "m.receipt");
    CHECK(part(own, {event, "m.read.private", "@bob:test", "ts"}));
    for (const auto& answer : {open_for_alice, newcomer}) {
        const auto receipts = content_of(ephemeral(answer, chat.room_id), "m.receipt");
        CHECK(part(receipts, {event, "m.read", "@bob:test", "ts"}));
        CHECK_FALSE(part(receipts, {event, "m.read.private"}));
    }
}

TEST_CASE("unread counts grow with messages and go with a receipt", "[sync]") {
    HomeserverFixture fixture;
    Chat chat{fixture};
    fixture.say("alice", chat.room_id, "one");
    CHECK(unread(chat.bob.sync(), chat.room_id) == std::pair{1, 0});
    fixture.put("alice", chat.path("send/m.room.message/mention"), R"({"body": "hello bob", "m.mentions": {"user_ids": ["@bob:test"]}})");
    fixture.say("bob", chat.room_id, "own");
    const auto last = fixture.say("alice", chat.room_id, "three");
    CHECK(unread(chat.bob.sync(), chat.room_id) == std::pair{3, 1});
    const auto queries = HomeserverFixture::transactions("room_unread_counts");

    fixture.post("bob", chat.path("receipt/m.read/" + last));

    CHECK(unread(chat.bob.sync(), chat.room_id) == std::pair{0, 0});
    CHECK(unread(SyncClient(fixture, "bob").sync(), chat.room_id) == std::pair{0, 0});
    fixture.say("alice", chat.room_id, "four");
    CHECK(unread(chat.bob.sync(), chat.room_id) == std::pair{1, 0});
    CHECK(HomeserverFixture::transactions("room_unread_counts") == queries);
}

TEST_CASE("account data and tags come when they change, and all of them at first", "[sync]") {
    HomeserverFixture fixture;
    Chat chat{fixture};
    fixture.put("bob", "/user/@bob:test/account_data/x.global", R"({"a": 1})");
    fixture.put("bob", fmt::format("/user/@bob:test/rooms/{}/account_data/x.room", chat.room_id), R"({"b": 2})");
    fixture.put("bob", fmt::format("/user/@bob:test/rooms/{}/tags/m.favourite", chat.room_id), R"({"order": 0.5})");
    const auto changed = chat.bob.sync();
    const auto quiet = chat.bob.sync();
    const auto newcomer = SyncClient(fixture, "bob").sync();
    const auto full = chat.bob.sync("full_state=true");

    for (const auto& answer : {changed, newcomer, full}) {
        CHECK(content_of(events(answer, {"account_data"}), "x.global") == json::object{{"a", 1}});
        const auto of_room = events(answer, {"rooms", "join", chat.room_id, "account_data"});
        CHECK(content_of(of_room, "x.room") == json::object{{"b", 2}});
        CHECK(part(content_of(of_room, "m.tag"), {"tags", "m.favourite", "order"})->as_double() == 0.5);
    }
    CHECK_FALSE(quiet.contains("account_data"));
    CHECK_FALSE(quiet.contains("rooms"));
    fixture.call(http::Method::kDelete, "bob", fmt::format("/user/@bob:test/rooms/{}/tags/m.favourite", chat.room_id));
    const auto untagged = events(chat.bob.sync(), {"rooms", "join", chat.room_id, "account_data"});
    CHECK(content_of(untagged, "m.tag") == json::object{{"tags", json::object{}}});
    CHECK_FALSE(SyncClient(fixture, "alice").sync().at("account_data").as_object().at("events").as_array().empty());
}

TEST_CASE("push rules come at first and when they change", "[sync]") {
    HomeserverFixture fixture;
    Chat chat{fixture};
    const auto first = SyncClient(fixture, "bob").sync();
    const auto quiet = chat.bob.sync();
    fixture.put("bob", "/pushrules/global/room/" + chat.room_id, R"({"actions": ["dont_notify"]})");
    const auto changed = chat.bob.sync();

    CHECK(content_of(events(first, {"account_data"}), "m.push_rules").contains("global"));
    CHECK_FALSE(quiet.contains("account_data"));
    const auto rules = content_of(events(changed, {"account_data"}), "m.push_rules");
    CHECK(part(rules, {"global", "room"})->as_array().size() == 1);
}

TEST_CASE("filters choose ephemeral events, account data and presence", "[sync]") {
    HomeserverFixture fixture;
    Chat chat{fixture, R"({"room": {"ephemeral": {"not_types": ["m.typing"]}, "account_data": {"types": ["m.tag"]}},
                           "account_data": {"not_types": ["x.*", "m.push_rules"]}, "presence": {"types": []}})"};
    const auto event = fixture.say("alice", chat.room_id, "x");
    fixture.put("alice", chat.path("typing/@alice:test"), R"({"typing": true, "timeout": 9000})");
    fixture.post("alice", chat.path("receipt/m.read/" + event));
    fixture.put("bob", "/user/@bob:test/account_data/x.hidden", R"({"a": 1})");
    fixture.put("bob", "/user/@bob:test/account_data/y.shown", R"({"a": 1})");
    fixture.put("bob", fmt::format("/user/@bob:test/rooms/{}/account_data/x.hidden", chat.room_id), R"({"b": 2})");
    fixture.put("alice", "/presence/@alice:test/status", R"({"presence": "online"})");

    const auto answer = chat.bob.sync();

    CHECK(types(ephemeral(answer, chat.room_id)) == Strings{"m.receipt"});
    CHECK(types(events(answer, {"account_data"})) == Strings{"y.shown"});
    CHECK(types(events(answer, {"rooms", "join", chat.room_id, "account_data"})).empty());
    CHECK_FALSE(answer.contains("presence"));
}

TEST_CASE("presence of those with whom a room is shared comes at first and when it changes", "[sync]") {
    HomeserverFixture fixture;
    // Bob's own, too, comes when it has been stored, which is now or later.
    const auto of_others = [](const json::object& answer) {
        auto out = events(answer, {"presence"});
        std::erase_if(out, [](const json::object& event) { return text_at(event, "sender") == "@bob:test"; });
        return out;
    };
    const auto senders = [&](const json::object& answer) {
        Strings out;
        for (const auto& event : of_others(answer)) out.push_back(text_at(event, "sender"));
        return sorted(out);
    };
    for (const auto* user : {"alice", "stranger"}) {
        fixture.put(user, fmt::format("/presence/@{}:test/status", user), R"({"presence": "online", "status_msg": "busy"})");
    }
    Chat chat{fixture};

    CHECK(has(senders(SyncClient(fixture, "bob").sync()), "@alice:test"));
    CHECK_FALSE(has(senders(SyncClient(fixture, "bob").sync()), "@stranger:test"));
    chat.bob.sync();
    fixture.put("alice", "/presence/@alice:test/status", R"({"presence": "unavailable", "status_msg": "away"})");
    fixture.put("stranger", "/presence/@stranger:test/status", R"({"presence": "unavailable"})");
    const auto changed = chat.bob.sync();
    CHECK(senders(changed) == Strings{"@alice:test"});
    CHECK(text_at(of_others(changed).front().at("content").as_object(), "status_msg") == "away");
    fixture.join("stranger", chat.room_id);
    CHECK(has(senders(chat.bob.sync()), "@stranger:test"));
}

TEST_CASE("messages to a device come until it says it has them, and to no other device", "[sync]") {
    HomeserverFixture fixture;
    fixture.sql("INSERT INTO devices (user_id, device_id, hidden) VALUES ('@bob:test', 'DEVICE', false), ('@bob:test', 'OTHER', false)");
    SyncClient bob{fixture, "bob"};
    SyncClient other{fixture, "bob/OTHER"};
    bob.sync();
    const auto send = [&](int number) {
        fixture.run(fixture.master->stores.to_device.add_messages(
            {{"@bob:test", "DEVICE", fmt::format(R"({{"type":"m{}","sender":"@alice:test","content":{{}}}})", number)}}));
    };
    const auto waiting = [&] { return fixture.sql("SELECT count(*) FROM device_inbox").front().front(); };
    const auto got = [](const json::object& answer) {
        Strings out;
        for (const auto& event : events(answer, {"to_device"})) out.push_back(text_at(event, "type"));
        return out;
    };
    send(1);
    send(2);

    CHECK(got(bob.peek()) == Strings{"m1", "m2"});
    CHECK(got(bob.sync()) == Strings{"m1", "m2"});
    CHECK(got(other.sync()).empty());
    CHECK(waiting() == "2");
    send(3);
    CHECK(got(bob.sync()) == Strings{"m3"});
    CHECK(waiting() == "1");
    CHECK(got(bob.sync()).empty());
    CHECK(waiting() == "0");
}

TEST_CASE("many messages to a device come in portions, and nothing is passed over", "[sync]") {
    HomeserverFixture fixture;
    fixture.sql("INSERT INTO devices (user_id, device_id, hidden) VALUES ('@bob:test', 'DEVICE', false)");
    SyncClient bob{fixture, "bob"};
    bob.sync();
    for (int n = 0; n < 130; ++n) {
        fixture.run(fixture.master->stores.to_device.add_messages({{"@bob:test", "DEVICE", R"({"type":"m","sender":"@a:test","content":{}})"}}));
    }

    const auto first = events(bob.sync("timeout=10000"), {"to_device"}).size();
    const auto second = events(bob.sync("timeout=10000"), {"to_device"}).size();

    CHECK(first == 100);
    CHECK(second == 30);
}
