#include "user_data_fixture.hpp"

using namespace weft;
using namespace weft::test;
namespace json = boost::json;

namespace {

constexpr auto kAccountData = "/user/@alice:test/account_data/";

}  // namespace

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
    CHECK(at("m.read.private").empty());  // that of a thread is not the room's
    const auto stored = server.storage.run(server.receipt_store.of_room(room));
    REQUIRE(stored->size() == 2);
    const auto of_thread = std::find_if(stored->begin(), stored->end(),
                                        [](const auto& one) { return one->type == "m.read.private"; });
    REQUIRE(of_thread != stored->end());
    CHECK((*of_thread)->event_id == first);
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
        const auto all = server.get(kAlice, "/pushrules/global/").body;
        for (const auto& rule : all.at("content").as_array()) {
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
    CHECK(refused(server.put(kAlice, "/pushrules/global/nonsense/mine", body), 404, "M_UNRECOGNIZED"));
    CHECK(refused(server.get(kAlice, rule + "/nonsense"), 404, "M_UNRECOGNIZED"));
    CHECK(refused(server.put(kAlice, "/pushrules/global/override/.mine", body), 400, "M_INVALID_PARAM"));
    CHECK(refused(server.put(kAlice, "/pushrules/global/override/a%2Fb", body), 400, "M_INVALID_PARAM"));
    CHECK(refused(server.put(kAlice, rule, "{}"), 400, "M_MISSING_PARAM"));
    REQUIRE(server.put(kAlice, rule, body).status == 200);
    CHECK(refused(server.put(kAlice, rule + "/enabled", "{}"), 400, "M_MISSING_PARAM"));
    CHECK(refused(server.put(kAlice, rule + "/actions", "{}"), 400, "M_MISSING_PARAM"));
    CHECK(refused(server.put(kAlice, rule + "/actions", R"({"actions": [1]})"), 400, "M_INVALID_PARAM"));
}
