#include <catch2/catch.hpp>

#include "rooms_fixture.hpp"
#include "weft/core/async.hpp"
#include "weft/handlers/ephemeral/presence_status.hpp"
#include "weft/handlers/ephemeral/typing.hpp"
#include "weft/handlers/user_data/account_data.hpp"
#include "weft/handlers/user_data/push_rules.hpp"
#include "weft/handlers/user_data/receipts.hpp"
#include "weft/handlers/user_data/tags.hpp"
#include "weft/proto/replication/rows.hpp"
#include "weft/rest/client/account_data.hpp"
#include "weft/rest/client/presence.hpp"
#include "weft/rest/client/push_rules.hpp"
#include "weft/rest/client/receipts.hpp"
#include "weft/rest/client/tags.hpp"
#include "weft/rest/client/typing.hpp"
#include "weft/storage/account_data_store.hpp"
#include "weft/storage/presence_store.hpp"
#include "weft/storage/receipt_store.hpp"

using namespace weft;
using namespace std::chrono_literals;
using test::Answer;
using Users = std::vector<std::string>;
namespace json = boost::json;

namespace {

constexpr auto kAlice = "@alice:test";
constexpr auto kBob = "@bob:test";
constexpr auto kCarol = "@carol:test";
constexpr auto kAccountData = "/user/@alice:test/account_data/";

/// The typing stream, which begins with each start of its writer.
struct TypingStream : storage::StreamState {
    TypingStream(const std::string& self, const std::string& writer) : StreamState{"typing", self, {writer}} {
        seed(0);
    }
};

/// The process that writes all these streams, with rooms.
struct UserDataFixture : test::RoomsFixture {
    explicit UserDataFixture(core::Config wanted = roomy_config()) : RoomsFixture{std::move(wanted)} {
        typing_endpoints.register_on(router);
        receipt_endpoints.register_on(router);
        presence_endpoints.register_on(router);
        account_data_endpoints.register_on(router);
        tag_endpoints.register_on(router);
        push_rule_endpoints.register_on(router);
        storage.run(presence.start());
    }
    ~UserDataFixture() {
        storage.run(presence.stop());
        storage.run(typing.stop());
    }

    /// A room of Alice's that Bob has joined.
    std::string shared_room() {
        const auto room_id = create_room(kAlice, R"({"preset": "public_chat"})");
        REQUIRE(post(kBob, "/rooms/" + room_id + "/join").status == 200);
        return room_id;
    }
    std::string say(const std::string& room_id, const std::string& text) {
        static int txn = 0;
        const auto answer = put(kAlice, "/rooms/" + room_id + "/send/m.room.message/" + std::to_string(++txn),
                                R"({"msgtype": "m.text", "body": ")" + text + "\"}");
        REQUIRE(answer.status == 200);
        return answer.text("event_id");
    }
    /// Lets the process run until `done`, at most ten seconds.
    void wait_until(std::function<bool()> done) {
        auto wait = [](std::function<bool()> condition) -> Task<void> {
            while (!condition()) co_await core::sleep_for(5ms);
        };
        test::run(storage.io, wait(std::move(done)), 10s);
    }
    std::string presence_of(const std::string& user_id) {
        const auto known = storage.run(presence.states(Users{user_id}));
        return known.empty() ? "" : known.front().state;
    }

    std::pair<storage::StreamState*, storage::StreamState*> account_streams =
        storage.shared_streams("account_data", "tag_account_data");
    TypingStream typing_stream{"master", "master"};
    storage::StreamState& receipts_stream = storage.stream("receipts");
    storage::StreamState& presence_stream = storage.stream("presence");
    storage::AccountDataStore account_data_store{storage.context(), *account_streams.first,
                                                 *account_streams.second};
    storage::ReceiptStore receipt_store{storage.context(), receipts_stream};
    storage::PresenceStore presence_store{storage.context(), presence_stream};
    handlers::Typing typing{storage.io.get_executor(), storage.clock, states, typing_stream};
    handlers::Presence presence{storage.io.get_executor(), config, storage.clock, presence_store, rpc};
    handlers::PresenceStatus presence_status{presence, states};
    handlers::Receipts receipts{reader, events, receipt_store, account_data_store, presence, storage.clock};
    handlers::AccountData account_data{account_data_store, push_actions};
    handlers::Tags tags{account_data_store};
    handlers::PushRules rules{push_rules, push_actions};
    rest::TypingEndpoints typing_endpoints{typing, presence};
    rest::ReceiptEndpoints receipt_endpoints{receipts};
    rest::PresenceEndpoints presence_endpoints{presence_status};
    rest::AccountDataEndpoints account_data_endpoints{account_data};
    rest::TagEndpoints tag_endpoints{tags};
    rest::PushRuleEndpoints push_rule_endpoints{rules};
};

bool refused(const Answer& answer, int status, std::string_view errcode) {
    INFO(json::serialize(answer.body));
    return answer.status == status && answer.errcode() == errcode;
}

}  // namespace

TEST_CASE("typing is told on change, and ends by itself", "[typing]") {
    UserDataFixture server;
    const auto room = server.shared_room();
    const auto path = "/rooms/" + room + "/typing/";
    const auto type = [&](const std::string& user, const std::string& body) {
        return server.put(user, path + user, body).status;
    };

    CHECK(type(kAlice, R"({"typing": true, "timeout": 60000})") == 200);
    CHECK(type(kBob, R"({"typing": true, "timeout": 20000})") == 200);
    CHECK(server.typing.typing_in(room) == Users{kAlice, kBob});
    const auto token = server.typing_stream.current();
    CHECK(type(kAlice, R"({"typing": true, "timeout": 60000})") == 200);
    CHECK(server.typing_stream.current() == token);
    CHECK(server.typing_stream.changes().has_changed(room, token - 1));

    server.storage.clock.advance(20s);
    server.wait_until([&] { return server.typing_stream.current() > token; });
    CHECK(server.typing.typing_in(room) == Users{kAlice});

    CHECK(type(kAlice, R"({"typing": false})") == 200);
    CHECK(server.typing.typing_in(room).empty());
    const auto updates = server.typing.updates(0, server.typing_stream.current(), 100);
    REQUIRE(updates.rows.size() == 1);
    CHECK(updates.rows.front().first == server.typing_stream.current());
}

TEST_CASE("only members say that they type, for themselves", "[typing]") {
    UserDataFixture server;
    const auto room = server.shared_room();
    const auto path = "/rooms/" + room + "/typing/";

    CHECK(refused(server.put(kAlice, path + kBob, R"({"typing": true})"), 403, "M_FORBIDDEN"));
    CHECK(refused(server.put(kCarol, path + kCarol, R"({"typing": true})"), 403, "M_FORBIDDEN"));
    CHECK(refused(server.put(kBob, path + kBob, "{}"), 400, "M_MISSING_PARAM"));
    CHECK(refused(server.put(kBob, path + kBob, R"({"typing": true, "timeout": "x"})"), 400, "M_BAD_JSON"));
    CHECK(server.typing.typing_in(room).empty());
}

TEST_CASE("who leaves the room types no longer", "[typing]") {
    UserDataFixture server;
    const auto room = server.shared_room();
    server.put(kBob, "/rooms/" + room + "/typing/" + kBob, R"({"typing": true, "timeout": 60000})");
    REQUIRE(server.typing.typing_in(room) == Users{kBob});

    REQUIRE(server.post(kBob, "/rooms/" + room + "/leave").status == 200);

    server.wait_until([&] { return server.typing.typing_in(room).empty(); });
    CHECK(server.typing.typing_in(room).empty());
}

TEST_CASE("a process forgets who types when the writer counts anew", "[typing]") {
    test::StorageFixture storage;
    auto& events_stream = storage.stream("events", "persister");
    TypingStream stream{"master", "writer"};
    storage::EventsStore events{storage.db, events_stream, storage.stream("backfill", "persister"), 100,
                                storage.io.get_executor()};
    storage::StateStore states{
        storage.db, events_stream, events, storage.registry, 10, storage.io.get_executor()};
    handlers::Typing typing{storage.io.get_executor(), storage.clock, states, stream};
    const auto row = [](const std::string& room, Users users) {
        return storage::StreamRows{proto::replication::TypingRow{room, std::move(users)}.to_json()};
    };
    stream.apply("writer", 7, row("!a:test", {kAlice}));
    CHECK(typing.typing_in("!a:test") == Users{kAlice});

    stream.rewind("writer", 2);
    CHECK(typing.typing_in("!a:test").empty());
    stream.apply("writer", 3, row("!a:test", {kBob}));
    CHECK(typing.typing_in("!a:test") == Users{kBob});
    CHECK(stream.changes().has_changed("!a:test", 2));
}

TEST_CASE("receipts move forward only, and are for members", "[receipts]") {
    UserDataFixture server;
    const auto room = server.shared_room();
    const auto first = server.say(room, "one");
    const auto second = server.say(room, "two");
    const auto receipt = [&](const std::string& user, const std::string& type, const std::string& event,
                             const std::string& body = "") {
        return server.post(user, "/rooms/" + room + "/receipt/" + type + "/" + event, body);
    };
    const auto at = [&](const std::string& type) {
        return server.storage.run(server.receipt_store.event_of(kBob, room, type)).value_or("");
    };

    CHECK(receipt(kBob, "m.read", second).status == 200);
    CHECK(receipt(kBob, "m.read", first).status == 200);
    CHECK(at("m.read") == second);
    CHECK(receipt(kBob, "m.read.private", first, R"({"thread_id": "main"})").status == 200);
    CHECK(at("m.read.private") == first);
    const auto stored = server.storage.run(server.receipt_store.of_room(room));
    REQUIRE(stored->size() == 2);
    const auto data = proto::parse_json_object(stored->front()->data).value();
    CHECK(proto::get_int(data, "ts") == server.storage.clock.now_ms());

    CHECK(refused(receipt(kCarol, "m.read", first), 403, "M_FORBIDDEN"));
    CHECK(refused(receipt(kBob, "m.seen", first), 400, "M_INVALID_PARAM"));
    CHECK(refused(receipt(kBob, "m.read", "nonsense"), 400, "M_INVALID_PARAM"));
    CHECK(refused(receipt(kBob, "m.read", first, R"({"thread_id": ""})"), 400, "M_INVALID_PARAM"));
    CHECK(refused(receipt(kBob, "m.read", first, R"({"thread_id": 7})"), 400, "M_INVALID_PARAM"));
    CHECK(refused(receipt(kBob, "m.fully_read", first, R"({"thread_id": "main"})"), 400, "M_INVALID_PARAM"));
}

TEST_CASE("a receipt may be ahead of the server, but not in another room", "[receipts]") {
    UserDataFixture server;
    const auto room = server.shared_room();
    const auto elsewhere = server.say(server.shared_room(), "elsewhere");
    const auto path = "/rooms/" + room + "/receipt/m.read/";

    CHECK(server.post(kBob, path + "$not-here-yet:test").status == 200);
    CHECK(server.storage.run(server.receipt_store.event_of(kBob, room, "m.read")) == "$not-here-yet:test");
    CHECK(refused(server.post(kBob, path + elsewhere), 400, "M_INVALID_PARAM"));
}

TEST_CASE("the fully-read marker is account data that only moves forward", "[receipts]") {
    UserDataFixture server;
    const auto room = server.shared_room();
    const auto first = server.say(room, "one");
    const auto second = server.say(room, "two");
    const auto marker = [&] {
        return server
            .get(kBob, std::string{"/user/"} + kBob + "/rooms/" + room + "/account_data/m.fully_read")
            .text("event_id");
    };
    const auto markers = "/rooms/" + room + "/read_markers";
    const auto body = [](const std::string& type, const std::string& event) {
        return json::serialize(json::object{{type, event}});
    };

    CHECK(server.post(kBob, markers, body("m.fully_read", second)).status == 200);
    CHECK(marker() == second);
    CHECK(server.post(kBob, "/rooms/" + room + "/receipt/m.fully_read/" + first).status == 200);
    CHECK(marker() == second);
    CHECK(refused(server.post(kBob, markers, body("m.fully_read", "$unknown:test")), 404, "M_NOT_FOUND"));
    CHECK(server.post(kBob, markers, body("m.read", second)).status == 200);
    CHECK(server.storage.run(server.receipt_store.event_of(kBob, room, "m.read")) == second);
    CHECK(server.post(kBob, markers, "{}").status == 200);
    CHECK(refused(server.post(kCarol, markers, body("m.fully_read", first)), 403, "M_FORBIDDEN"));
}

TEST_CASE("account data is the user's own", "[account_data]") {
    UserDataFixture server;
    const std::string path = kAccountData;

    CHECK(refused(server.get(kAlice, path + "org.example"), 404, "M_NOT_FOUND"));
    CHECK(server.put(kAlice, path + "org.example", R"({"a": 1})").status == 200);
    CHECK(server.put(kAlice, path + "org.example", R"({"a": 2})").status == 200);
    CHECK(server.get(kAlice, path + "org.example").body == json::object{{"a", 2}});
    CHECK(refused(server.get(kBob, path + "org.example"), 403, "M_FORBIDDEN"));
    CHECK(refused(server.put(kBob, path + "org.example"), 403, "M_FORBIDDEN"));
    CHECK(refused(server.put(kAlice, path + "org.example", "[]"), 400, "M_BAD_JSON"));
    CHECK(refused(server.put(kAlice, path + std::string(256, 'x')), 400, "M_INVALID_PARAM"));
    CHECK(refused(server.put(kAlice, path + "a%00b"), 400, "M_INVALID_PARAM"));
}

TEST_CASE("types that the server controls are read only", "[account_data]") {
    UserDataFixture server;
    const std::string path = kAccountData;
    const std::string room_path = "/user/@alice:test/rooms/!r:test/account_data/";

    CHECK(refused(server.put(kAlice, path + "m.push_rules"), 405, "M_BAD_JSON"));
    CHECK(refused(server.put(kAlice, path + "m.fully_read"), 405, "M_BAD_JSON"));
    CHECK(refused(server.put(kAlice, room_path + "m.fully_read"), 405, "M_BAD_JSON"));
    CHECK(refused(server.put(kAlice, room_path + "m.tag"), 405, "M_BAD_JSON"));
    CHECK(server.get(kAlice, path + "m.push_rules").body.contains("global"));
}

TEST_CASE("account data of a room stays in the room", "[account_data]") {
    UserDataFixture server;
    const std::string path = "/user/@alice:test/rooms/";

    CHECK(server.put(kAlice, path + "!r:test/account_data/org.example", R"({"a": 1})").status == 200);
    CHECK(server.get(kAlice, path + "!r:test/account_data/org.example").body == json::object{{"a", 1}});
    CHECK(refused(server.get(kAlice, path + "!s:test/account_data/org.example"), 404, "M_NOT_FOUND"));
    CHECK(refused(server.get(kAlice, std::string{kAccountData} + "org.example"), 404, "M_NOT_FOUND"));
    CHECK(refused(server.get(kBob, path + "!r:test/account_data/org.example"), 403, "M_FORBIDDEN"));
    CHECK(refused(server.put(kAlice, path + "nonsense/account_data/org.example"), 400, "M_INVALID_PARAM"));
}

TEST_CASE("tags are put on rooms and taken off", "[tags]") {
    UserDataFixture server;
    const std::string path = "/user/@alice:test/rooms/!r:test/tags";
    const auto tags = [&] { return server.get(kAlice, path).body; };

    CHECK(tags() == json::object{{"tags", json::object{}}});
    CHECK(server.put(kAlice, path + "/m.favourite", R"({"order": 0.25})").status == 200);
    CHECK(server.put(kAlice, path + "/u.work", "{}").status == 200);
    CHECK(tags() ==
          proto::parse_json_object(R"({"tags": {"m.favourite": {"order": 0.25}, "u.work": {}}})").value());
    CHECK(server.get(kAlice, "/user/@alice:test/rooms/!r:test/account_data/m.tag").body == tags());
    CHECK(server.remove(kAlice, path + "/m.favourite").status == 200);
    CHECK(server.remove(kAlice, path + "/m.favourite").status == 200);
    CHECK(tags() == proto::parse_json_object(R"({"tags": {"u.work": {}}})").value());
    CHECK(refused(server.get(kBob, path), 403, "M_FORBIDDEN"));
    CHECK(refused(server.put(kBob, path + "/u.mine"), 403, "M_FORBIDDEN"));
    CHECK(refused(server.remove(kBob, path + "/u.work"), 403, "M_FORBIDDEN"));
}

TEST_CASE("push rules begin with the defaults, which can be changed and not removed", "[push_rules]") {
    UserDataFixture server;
    const std::string master = "/pushrules/global/override/.m.rule.master";

    CHECK(server.get(kAlice, "/pushrules/").body["global"] == server.get(kAlice, "/pushrules/global/").body);
    CHECK(server.get(kAlice, master).body["default"] == true);
    CHECK(server.get(kAlice, master + "/enabled").body == json::object{{"enabled", false}});
    CHECK(server.put(kAlice, master + "/enabled", R"({"enabled": true})").status == 200);
    CHECK(server.get(kAlice, master + "/enabled").body == json::object{{"enabled", true}});
    CHECK(server.get(kBob, master + "/enabled").body == json::object{{"enabled", false}});

    const std::string message = "/pushrules/global/underride/.m.rule.message";
    const json::object changed{
        {"actions", json::array{"notify", json::object{{"set_tweak", "sound"}, {"value", "bing"}}}}};
    CHECK(server.put(kAlice, message + "/actions", json::serialize(changed)).status == 200);
    CHECK(server.get(kAlice, message + "/actions").body == changed);
    CHECK(refused(server.remove(kAlice, message), 404, "M_NOT_FOUND"));
    CHECK(server.get(kAlice, message + "/actions").body == changed);
}

TEST_CASE("push rules of the user stand where they were put", "[push_rules]") {
    UserDataFixture server;
    const std::string path = "/pushrules/global/content/";
    const auto add = [&](const std::string& where) {
        return server.put(kAlice, path + where, R"({"actions": ["notify"], "pattern": "x"})");
    };
    const auto order = [&] {
        std::vector<std::string> ids;
        for (const auto& rule : server.get(kAlice, "/pushrules/global/").body["content"].as_array()) {
            if (!rule.at("default").as_bool()) ids.emplace_back(rule.at("rule_id").as_string());
        }
        return ids;
    };

    CHECK(add("one").status == 200);
    CHECK(add("two").status == 200);
    CHECK(add("three?before=one").status == 200);
    CHECK(add("four?after=two").status == 200);
    CHECK(order() == std::vector<std::string>{"two", "four", "three", "one"});
    CHECK(add("one").status == 200);
    CHECK(order() == std::vector<std::string>{"two", "four", "three", "one"});
    CHECK(add("one?before=two").status == 200);
    CHECK(order() == std::vector<std::string>{"one", "two", "four", "three"});
    CHECK(refused(add("five?before=nowhere"), 400, "M_UNKNOWN"));
    CHECK(refused(add("five?after=.m.rule.contains_user_name"), 400, "M_UNKNOWN"));

    CHECK(server.put(kAlice, path + "two/enabled", R"({"enabled": false})").status == 200);
    CHECK(server.remove(kAlice, path + "two").status == 200);
    CHECK(refused(server.remove(kAlice, path + "two"), 404, "M_NOT_FOUND"));
    CHECK(add("two").status == 200);
    CHECK(server.get(kAlice, path + "two/enabled").body == json::object{{"enabled", true}});
}

TEST_CASE("push rules that are not there, or cannot be, are refused", "[push_rules]") {
    UserDataFixture server;
    const std::string rule = "/pushrules/global/override/mine";
    const auto body = R"({"actions": ["notify"], "conditions": []})";

    CHECK(refused(server.get(kAlice, rule), 404, "M_NOT_FOUND"));
    CHECK(refused(server.get(kAlice, rule + "/enabled"), 404, "M_NOT_FOUND"));
    CHECK(refused(server.put(kAlice, rule + "/enabled", R"({"enabled": true})"), 404, "M_NOT_FOUND"));
    CHECK(refused(server.put(kAlice, rule + "/actions", R"({"actions": []})"), 404, "M_NOT_FOUND"));
    CHECK(refused(server.put(kAlice, "/pushrules/global/nonsense/mine", body), 400, "M_UNRECOGNIZED"));
    CHECK(refused(server.get(kAlice, rule + "/nonsense"), 404, "M_UNRECOGNIZED"));
    CHECK(refused(server.put(kAlice, "/pushrules/global/override/.mine", body), 400, "M_INVALID_PARAM"));
    CHECK(refused(server.put(kAlice, "/pushrules/global/override/a%2Fb", body), 400, "M_INVALID_PARAM"));
    CHECK(refused(server.put(kAlice, rule, "{}"), 400, "M_MISSING_PARAM"));
    REQUIRE(server.put(kAlice, rule, body).status == 200);
    CHECK(refused(server.put(kAlice, rule + "/enabled", "{}"), 400, "M_MISSING_PARAM"));
    CHECK(refused(server.put(kAlice, rule + "/actions", "{}"), 400, "M_MISSING_PARAM"));
    CHECK(refused(server.put(kAlice, rule + "/actions", R"({"actions": [1]})"), 400, "M_INVALID_PARAM"));
}

TEST_CASE("a user's presence is seen by those who share a room", "[presence]") {
    UserDataFixture server;
    server.shared_room();
    const auto status = [](const std::string& user) { return "/presence/" + user + "/status"; };

    CHECK(server.get(kAlice, status(kAlice)).text("presence") == "offline");
    CHECK(server.put(kAlice, status(kAlice), R"({"presence": "online", "status_msg": "here"})").status ==
          200);
    server.storage.clock.advance(10s);
    const auto seen = server.get(kBob, status(kAlice));
    CHECK(seen.status == 200);
    CHECK(seen.text("presence") == "online");
    CHECK(seen.text("status_msg") == "here");
    CHECK(proto::get_int(seen.body, "last_active_ago") == 10'000);
    CHECK(proto::get_bool(seen.body, "currently_active") == true);

    CHECK(refused(server.get(kCarol, status(kAlice)), 403, "M_FORBIDDEN"));
    CHECK(refused(server.put(kBob, status(kAlice), R"({"presence": "offline"})"), 403, "M_FORBIDDEN"));
    CHECK(refused(server.put(kAlice, status(kAlice), R"({"presence": "asleep"})"), 400, "M_INVALID_PARAM"));
    CHECK(refused(server.put(kAlice, status(kAlice), "{}"), 400, "M_MISSING_PARAM"));
    CHECK(refused(server.get(kAlice, status("nobody")), 400, "M_INVALID_PARAM"));
}

TEST_CASE("a sync makes a user online; presence survives a restart of its writer", "[presence]") {
    UserDataFixture server;
    {
        const auto guard = server.presence.user_syncs(kAlice, "online");
        const auto unseen = server.presence.user_syncs(kBob, "offline");
        server.wait_until([&] { return server.presence_of(kAlice) == "online"; });
        CHECK(server.presence.currently_syncing() == Users{kAlice});
    }
    CHECK(server.presence_of(kBob) == "");
    CHECK(server.presence_stream.changes().has_changed(kAlice, server.presence_stream.current() - 1));
    CHECK(server.storage.sql("SELECT user_id, state FROM presence_stream") ==
          std::vector<Users>{{kAlice, "online"}});

    handlers::Presence restarted{server.storage.io.get_executor(), server.config, server.storage.clock,
                                 server.presence_store, server.rpc};
    server.storage.run(restarted.start());
    const auto known = server.storage.run(restarted.states(Users{kAlice, kBob}));
    REQUIRE(known.size() == 1);
    CHECK(known.front().state == "online");
    server.storage.run(restarted.stop());
}

TEST_CASE("other processes tell the writer who syncs, and many users are one write", "[presence]") {
    UserDataFixture server;
    const auto user = [](int i) { return "@user" + std::to_string(i) + ":test"; };
    auto tell = [](UserDataFixture& to, std::function<std::string(int)> name) -> Task<void> {
        for (int i = 0; i < 50; ++i) {
            co_await to.presence.on_user_sync("worker-1", name(i), true, to.storage.clock.now_ms(), i == 0);
        }
    };
    server.storage.run(tell(server, user));
    server.wait_until([&] { return server.presence_of(user(49)) == "online"; });
    CHECK(server.storage.sql("SELECT count(*) FROM presence_stream WHERE state = 'online'").front().front() ==
          "50");

    server.storage.run(server.presence.set_state(user(1), "offline", std::nullopt, true));
    CHECK(server.presence_of(user(1)) == "offline");
    server.storage.run(server.presence.on_clear_user_syncs("worker-1"));
    CHECK(server.presence_of(user(2)) == "online");
}

TEST_CASE("a process that does not write presence reports edges, not polls", "[presence]") {
    UserDataFixture server;
    auto config = server.config;
    config.instance_name = core::InstanceName{"synchrotron1"};
    handlers::Presence worker{server.storage.io.get_executor(), config, server.storage.clock,
                              server.presence_store, server.rpc};
    std::vector<std::pair<std::string, bool>> told;
    worker.set_reporter(
        [&](const std::string& user, bool syncing, std::int64_t) { told.emplace_back(user, syncing); });

    for (int i = 0; i < 10; ++i) {
        const auto guard = worker.user_syncs(kAlice, "online");
    }
    CHECK(told == std::vector<std::pair<std::string, bool>>{{kAlice, true}});
    CHECK(worker.currently_syncing() == Users{kAlice});

    // What the writer says is known here as well.
    server.storage.run(server.presence.set_state(kBob, "unavailable", "away", false));
    const auto known = server.storage.run(worker.states(Users{kBob}));
    REQUIRE(known.size() == 1);
    CHECK(known.front().state == "unavailable");
    CHECK(known.front().status_msg == "away");
}

TEST_CASE("without presence nothing is known and nothing is told", "[presence]") {
    auto config = test::RoomsFixture::roomy_config();
    config.use_presence = false;
    UserDataFixture server{config};

    const auto guard = server.presence.user_syncs(kAlice, "online");
    server.presence.user_active(kAlice);
    CHECK(server.put(kAlice, "/presence/@alice:test/status", R"({"presence": "online"})").status == 200);
    CHECK(server.get(kAlice, "/presence/@alice:test/status").text("presence") == "offline");
    CHECK_FALSE(server.presence.enabled());
    CHECK(server.presence.currently_syncing().empty());
    CHECK(server.storage.sql("SELECT * FROM presence_stream").empty());
}
