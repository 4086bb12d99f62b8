#include "weft/proto/push_evaluator.hpp"

#include <catch2/catch.hpp>

#include "room_fixture.hpp"

using namespace weft::proto;
using test::object;

namespace {

const std::string kOwner = "@alice:example.org";

EventPtr event(std::string_view type, std::string_view content,
               std::optional<std::string_view> state_key = {}) {
    json::object pdu{{"type", type},
                     {"sender", "@bob:example.org"},
                     {"room_id", "!r:example.org"},
                     {"content", object(content)}};
    if (state_key) pdu["state_key"] = *state_key;
    return Event::from_database(EventId::trusted("$e"), to_json(pdu), "{}", RoomVersion::get("10")).value();
}

EventPtr message(std::string_view body) {
    return event("m.room.message", to_json(json::object{{"body", body}}));
}

PushRuleset with_rule(PushRuleKind kind, std::string_view id, std::string_view body) {
    return PushRuleset{kOwner, {make_stored_push_rule(kind, id, object(body)).value()}, {}};
}

/// Whether an override rule with this one condition matches the event.
bool holds(const EventPtr& event, std::string_view condition, PushRoomContext context = {},
           std::string_view display_name = "") {
    const auto rules =
        with_rule(PushRuleKind::kOverride, "test",
                  R"({"actions":[{"set_tweak":"mark"}],"conditions":[)" + std::string{condition} + "]}");
    const auto* actions = PushEvaluator{*event, context}.evaluate(rules, display_name);
    return actions == &rules.find(PushRuleKind::kOverride, "test")->actions();
}

bool notifies(const EventPtr& event, PushRoomContext context = {.member_count = 5}) {
    const PushRuleset rules{kOwner, {}, {}};
    const auto* actions = PushEvaluator{*event, context}.evaluate(rules, "Alice");
    return actions && actions->notify;
}

bool highlights(const EventPtr& event, PushRoomContext context = {.member_count = 5}) {
    const PushRuleset rules{kOwner, {}, {}};
    const auto* actions = PushEvaluator{*event, context}.evaluate(rules, "Alice");
    return actions && actions->highlight;
}

}  // namespace

TEST_CASE("predefined rules notify of messages, calls and invitations, not of noise", "[push]") {
    CHECK(notifies(message("hello")));
    CHECK_FALSE(highlights(message("hello Alice")));
    CHECK_FALSE(notifies(event("m.room.message", R"({"msgtype":"m.notice","body":"x"})")));
    CHECK(notifies(event("m.room.encrypted", "{}")));
    CHECK(notifies(event("m.call.invite", "{}")));
    CHECK_FALSE(notifies(event("m.reaction", "{}")));
    CHECK_FALSE(notifies(event("m.room.topic", "{}", "")));
    CHECK(notifies(event("m.room.member", R"({"membership":"invite"})", kOwner)));
    CHECK_FALSE(notifies(event("m.room.member", R"({"membership":"invite"})", "@carol:example.org")));
    CHECK_FALSE(notifies(event("m.room.member", R"({"membership":"join"})", "@carol:example.org")));
    CHECK_FALSE(notifies(event("m.room.server_acl", "{}", "")));
    CHECK_FALSE(notifies(
        event("m.room.message", R"({"body":"x","m.relates_to":{"rel_type":"m.replace","event_id":"$t"}})")));
    CHECK(highlights(event("m.room.tombstone", "{}", "")));
    CHECK_FALSE(highlights(event("m.room.tombstone", "{}")));
}

TEST_CASE("mentions highlight, those of the room only from who may", "[push]") {
    CHECK(highlights(
        event("m.room.message", R"({"body":"x","m.mentions":{"user_ids":["@x:y","@alice:example.org"]}})")));
    CHECK_FALSE(highlights(
        event("m.room.message", R"({"body":"x","m.mentions":{"user_ids":["@ALICE:example.org"]}})")));
    CHECK_FALSE(highlights(
        event("m.room.message", R"({"body":"x","m.mentions":{"user_ids":"@alice:example.org"}})")));
    const auto everyone = event("m.room.message", R"({"body":"x","m.mentions":{"room":true}})");
    CHECK(highlights(everyone, {.member_count = 5, .sender_power_level = 50}));
    CHECK_FALSE(highlights(everyone, {.member_count = 5, .sender_power_level = 49}));
    CHECK_FALSE(
        highlights(event("m.room.message", R"({"m.mentions":{"room":"true"}})"), {.sender_power_level = 50}));
}

TEST_CASE("rooms of two make a sound", "[push]") {
    const PushRuleset rules{kOwner, {}, {}};
    const auto text = message("x");
    const auto* actions = PushEvaluator{*text, {.member_count = 2}}.evaluate(rules, "");
    REQUIRE(actions);
    CHECK(actions == &rules.find(PushRuleKind::kUnderride, ".m.rule.room_one_to_one")->actions());
}

TEST_CASE("one evaluator answers for many users, each with their own rules", "[push]") {
    const auto mention =
        event("m.room.message", R"({"body":"x","m.mentions":{"user_ids":["@alice:example.org"]}})");
    PushEvaluator evaluator{*mention, {.member_count = 5}};
    const PushRuleset alice{kOwner, {}, {}};
    const PushRuleset carol{"@carol:example.org", {}, {}};
    const PushRuleset muted{"@dave:example.org", {}, {{"global/override/.m.rule.master", true}}};
    const PushRuleset off{"@erin:example.org", {}, {{"global/underride/.m.rule.message", false}}};

    CHECK(evaluator.evaluate(alice, "")->highlight);
    CHECK_FALSE(evaluator.evaluate(carol, "")->highlight);
    CHECK(evaluator.evaluate(carol, "")->notify);
    CHECK_FALSE(evaluator.evaluate(muted, "")->notify);
    CHECK(evaluator.evaluate(off, "") == nullptr);
}

TEST_CASE("room and sender rules match by their id, content rules by words", "[push]") {
    const auto text = message("It's time for TEA, friends");
    const auto decided_by = [&text](PushRuleKind kind, std::string_view id, std::string_view body) {
        const auto rules = with_rule(kind, id, body);
        return PushEvaluator{*text, {}}.evaluate(rules, "") == &rules.find(kind, id)->actions();
    };
    CHECK(decided_by(PushRuleKind::kRoom, "!r:example.org", R"({"actions":[]})"));
    CHECK_FALSE(decided_by(PushRuleKind::kRoom, "!other:example.org", R"({"actions":[]})"));
    CHECK(decided_by(PushRuleKind::kSender, "@bob:example.org", R"({"actions":[]})"));
    CHECK(decided_by(PushRuleKind::kContent, "t", R"({"actions":[],"pattern":"tea"})"));
    CHECK(decided_by(PushRuleKind::kContent, "t", R"({"actions":[],"pattern":"t?m* f*"})"));
    CHECK_FALSE(decided_by(PushRuleKind::kContent, "t", R"({"actions":[],"pattern":"te"})"));
}

TEST_CASE("event_match looks at whole values, except in the body", "[push]") {
    const auto topic = [](std::string_view text) {
        return event("m.room.topic", to_json(json::object{{"topic", text}}), "");
    };
    const auto* lunch = R"({"kind":"event_match","key":"content.topic","pattern":"lunc?*"})";
    CHECK(holds(topic("Lunch plans"), lunch));
    CHECK(holds(topic("LUNCH"), lunch));
    CHECK_FALSE(holds(topic(" lunch"), lunch));
    CHECK_FALSE(holds(topic("lunc"), lunch));
    CHECK_FALSE(holds(event("m.room.topic", R"({"topic":null})"),
                      R"({"kind":"event_match","key":"content.topic","pattern":"*"})"));
    CHECK_FALSE(
        holds(event("m.room.topic", "{}"), R"({"kind":"event_match","key":"content.topic","pattern":"*"})"));

    const auto* example = R"({"kind":"event_match","key":"content.body","pattern":"ex*ple"})";
    CHECK(holds(message("An example event."), example));
    CHECK(holds(message("exple"), example));
    CHECK(holds(message("An exciting triple-whammy"), example));
    CHECK_FALSE(holds(message("an example_event"), example));
    CHECK(holds(message("GRÖSSE"), R"({"kind":"event_match","key":"content.body","pattern":"größ?e"})") ==
          false);
    CHECK(holds(message("ÄRGER"), R"({"kind":"event_match","key":"content.body","pattern":"ärger"})"));
}

TEST_CASE("properties compare exactly and without casts", "[push]") {
    const auto create =
        event("m.room.create",
              R"({"m.federate":true,"n":5,"s":"x","z":null,"list":["a",1,null,{"b":1}],"a\\b":1})", "");
    const auto is = [&create](std::string_view key, std::string_view value) {
        return holds(create, R"({"kind":"event_property_is","key":")" + std::string{key} + R"(","value":)" +
                                 std::string{value} + "}");
    };
    CHECK(is(R"(content.m\\.federate)", "true"));
    CHECK_FALSE(is(R"(content.m\\.federate)", "\"true\""));
    CHECK_FALSE(is(R"(content.m\\.federate)", "1"));
    CHECK_FALSE(is("content.m.federate", "true"));
    CHECK(is("content.n", "5"));
    CHECK(is("content.s", "\"x\""));
    CHECK_FALSE(is("content.s", "\"X\""));
    CHECK(is("content.z", "null"));
    CHECK_FALSE(is("content.none", "null"));
    CHECK(is(R"(content.a\\\\b)", "1"));
    CHECK(is("type", "\"m.room.create\""));
    const auto contains = [&create](std::string_view value) {
        return holds(create, R"({"kind":"event_property_contains","key":"content.list","value":)" +
                                 std::string{value} + "}");
    };
    CHECK(contains("\"a\""));
    CHECK(contains("1"));
    CHECK(contains("null"));
    CHECK_FALSE(contains("\"1\""));
    CHECK_FALSE(contains("{\"b\":1}"));
}

TEST_CASE("display names are found as whole words without wildcards", "[push]") {
    const auto* condition = R"({"kind":"contains_display_name"})";
    CHECK(holds(message("hi ALICE!"), condition, {}, "Alice"));
    CHECK_FALSE(holds(message("malice"), condition, {}, "Alice"));
    CHECK_FALSE(holds(message("hi Alice"), condition, {}, ""));
    CHECK_FALSE(holds(message("hi Alice"), condition, {}, "A*e"));
    CHECK(holds(message("hi A*e :)"), condition, {}, "A*e"));
}

TEST_CASE("member counts compare by their prefix", "[push]") {
    const auto text = message("x");
    const auto count = [&text](std::string_view is) {
        return holds(text, R"({"kind":"room_member_count","is":")" + std::string{is} + "\"}",
                     {.member_count = 3});
    };
    CHECK(count("3"));
    CHECK(count("==3"));
    CHECK(count("<4"));
    CHECK_FALSE(count("<3"));
    CHECK(count("<=3"));
    CHECK(count(">2"));
    CHECK(count(">=3"));
    CHECK_FALSE(count(">3"));
    CHECK_FALSE(count("=3"));
    CHECK_FALSE(count(""));
    CHECK_FALSE(count("3x"));
}

TEST_CASE("notification permission asks the room's power levels", "[push]") {
    auto room = test::Room::with_alice("10");
    room.send(test::user("alice"), "m.room.power_levels", "",
              object(R"({"users":{"@alice:example.org":100},"notifications":{"room":20}})"));
    const auto levels = room.lookup().power_levels(room.version);
    const auto* condition = R"({"kind":"sender_notification_permission","key":"room"})";
    CHECK(holds(message("x"), condition, {.sender_power_level = 20, .power_levels = &levels}));
    CHECK_FALSE(holds(message("x"), condition, {.sender_power_level = 19, .power_levels = &levels}));
}

TEST_CASE("unknown and broken conditions never match", "[push]") {
    CHECK_FALSE(holds(message("x"), R"({"kind":"org.example.moon_phase"})"));
    CHECK_FALSE(holds(message("x"), R"({"kind":"event_match","key":"type"})"));
    CHECK_FALSE(holds(message("x"), R"({"kind":"event_property_is","key":"type","value":[]})"));
    CHECK_FALSE(
        holds(message("x"), R"({"kind":"sender_notification_permission"})", {.sender_power_level = 100}));
}

TEST_CASE("globs match code points, and hard patterns take no exponential time", "[push]") {
    CHECK(glob_matches("a?c", "aéc"));
    CHECK(glob_matches("*", ""));
    CHECK_FALSE(glob_matches("?", ""));
    CHECK(glob_matches("a*b*c", "aXbXbXc"));
    CHECK_FALSE(glob_matches("a*b", "aXbX"));
    CHECK(glob_matches_words("b?g", "a bög b"));
    CHECK_FALSE(glob_matches_words("b?g", "a boog b"));
    CHECK(glob_matches_words("@alice", "mail@alice there"));
    CHECK_FALSE(glob_matches_words("*a*a*a*a*a*a*a*a*a*b", std::string(20000, 'a')));
}
