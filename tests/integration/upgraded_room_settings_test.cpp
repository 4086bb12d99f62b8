// What people have set for a room, when another replaces it.
#include "weft/handlers/user_data/upgraded_room_settings.hpp"
#include "sync_client.hpp"

using namespace weft;
using namespace weft::test;
namespace json = boost::json;

namespace {

struct UpgradedRoom : HomeserverFixture {
    UpgradedRoom() {
        old_room = create_room("alice");
        join("bob", old_room);
    }
    std::string tags_path(const std::string& user, const std::string& room) const {
        return "/user/@" + user + ":test/rooms/" + room + "/tags";
    }
    void set_up(const std::string& user) {
        REQUIRE(put(user, tags_path(user, old_room) + "/m.favourite", R"({"order": 0.5})").status == 200);
        REQUIRE(put(user, "/user/@" + user + ":test/account_data/m.direct",
                    fmt::format(R"({{"@carol:test": ["{}"], "@dave:test": ["!elsewhere:test"]}})", old_room))
                    .status == 200);
        const auto rule = "/pushrules/global/room/" + http::percent_encode(old_room);
        REQUIRE(put(user, rule, R"({"actions": []})").status == 200);
        REQUIRE(
            put(user, "/pushrules/global/override/" + http::percent_encode(old_room),
                fmt::format(
                    R"({{"conditions": [{{"kind": "event_match", "key": "room_id", "pattern": "{}"}}], "actions": ["notify"]}})",
                    old_room))
                .status == 200);
        REQUIRE(put(user, rule + "/enabled", R"({"enabled": false})").status == 200);
    }
    void upgrade() {
        new_room = post("alice", "/rooms/" + old_room + "/upgrade", R"({"new_version": "11"})")
                       .text("replacement_room");
        REQUIRE_FALSE(new_room.empty());
    }
    json::object tags(const std::string& user, const std::string& room) {
        return get(user, tags_path(user, room)).body.at("tags").as_object();
    }
    json::object rule(const std::string& user, const std::string& kind, const std::string& room) {
        return get(user, "/pushrules/global/" + kind + "/" + http::percent_encode(room)).body;
    }
    /// The copy is switched off last.
    bool has_come_along(const std::string& user) {
        return eventually(*this,
                          [&] { return proto::get_bool(rule(user, "room", new_room), "enabled") == false; });
    }

    std::string old_room;
    std::string new_room;
};

}  // namespace

TEST_CASE_METHOD(UpgradedRoom, "tags, direct chats and push rules go along to the room that replaces another",
                 "[upgrade]") {
    for (const auto* const user : {"alice", "bob"}) set_up(user);
    upgrade();
    join("bob", new_room);

    for (const std::string user : {"alice", "bob"}) {
        REQUIRE(has_come_along(user));
        CHECK(tags(user, new_room) == json::object{{"m.favourite", {{"order", 0.5}}}});
        CHECK(tags(user, old_room).size() == 1);
        const auto direct = get(user, "/user/@" + user + ":test/account_data/m.direct").body;
        CHECK(direct.at("@carol:test").as_array() == json::array{old_room, new_room});
        CHECK(direct.at("@dave:test").as_array() == json::array{"!elsewhere:test"});
        const auto condition = rule(user, "override", new_room).at("conditions").at(0);
        CHECK(text_at(condition.as_object(), "pattern") == new_room);
    }
}

TEST_CASE_METHOD(UpgradedRoom, "what is set for the new room already stays", "[upgrade]") {
    join("dave", old_room);
    for (const auto* const user : {"bob", "dave"}) set_up(user);
    upgrade();
    REQUIRE(put("bob", tags_path("bob", new_room) + "/m.lowpriority", "{}").status == 200);
    join("bob", new_room);

    REQUIRE(has_come_along("bob"));
    CHECK(tags("bob", new_room) == json::object{{"m.lowpriority", json::object{}}});
    // A new name is no new join.
    REQUIRE(call(http::Method::kDelete, "bob", tags_path("bob", new_room) + "/m.lowpriority").status == 200);
    set_state("bob", new_room, "m.room.member", R"({"membership": "join", "displayname": "Bobby"})",
              "@bob:test");
    join("dave", new_room);  // who comes after that name
    REQUIRE(has_come_along("dave"));
    CHECK(tags("bob", new_room).empty());
}

TEST_CASE_METHOD(UpgradedRoom, "a room that only says that it replaces another takes nothing from it",
                 "[upgrade]") {
    set_up("bob");
    new_room = create_room(
        "mallory",
        fmt::format(
            R"({{"preset": "public_chat", "creation_content": {{"predecessor": {{"room_id": "{}"}}}}}})",
            old_room));
    join("bob", new_room);
    const auto claimed = new_room;
    upgrade();
    join("bob", new_room);

    REQUIRE(has_come_along("bob"));
    CHECK(tags("bob", claimed).empty());
    CHECK(rule("bob", "room", claimed).contains("errcode"));
}

TEST_CASE("a push rule is about a room by its ID or by a condition", "[upgrade]") {
    using proto::PushRuleKind;
    const auto made = [](PushRuleKind kind, const char* rule) {
        return handlers::rule_for_new_room(kind, *proto::parse_json_object(rule), "!old:test", "!new:test");
    };
    CHECK(made(PushRuleKind::kRoom, R"({"rule_id": "!old:test", "actions": []})")->rule_id == "!new:test");
    CHECK_FALSE(made(PushRuleKind::kRoom, R"({"rule_id": "!other:test", "actions": []})"));
    CHECK_FALSE(made(
        PushRuleKind::kOverride,
        R"({"rule_id": "x", "actions": [], "conditions": [{"kind": "event_match", "key": "type", "pattern": "!old:test"}]})"));
    const auto by_condition =
        made(PushRuleKind::kUnderride, R"({"rule_id": "x", "actions": ["notify"], "conditions":
        [{"kind": "event_property_is", "key": "room_id", "value": "!old:test"}, 7]})");
    REQUIRE(by_condition);
    CHECK(text_at(by_condition->body.at("conditions").at(0).as_object(), "value") == "!new:test");
    CHECK_FALSE(made(PushRuleKind::kUnderride, R"({"rule_id": "x", "conditions": []})"));
}
