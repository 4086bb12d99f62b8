#include "weft/proto/filter.hpp"

#include <catch2/catch.hpp>

#include "room_fixture.hpp"

using namespace weft::proto;
using test::object;

namespace {

EventFilter filter(std::string_view text) {
    return EventFilter::parse(text).value();
}

EventPtr event(std::string_view type, std::string_view sender, std::string_view content = "{}") {
    const json::object pdu{
        {"type", type}, {"sender", sender}, {"room_id", "!r:x"}, {"content", object(content)}};
    return Event::from_database(EventId::trusted("$e"), to_json(pdu), "{}", RoomVersion::get("10")).value();
}

}  // namespace

TEST_CASE("an empty filter is the default and admits everything", "[filter]") {
    const auto definition = FilterDefinition::parse("{}").value();
    CHECK(definition.is_default());
    CHECK(definition.room.timeline.admits_everything());
    CHECK(definition.matches_room("!any:x"));
    CHECK_FALSE(FilterDefinition::parse(R"({"room":{"timeline":{"limit":1}}})")->is_default());
    CHECK(FilterDefinition::parse(R"({"room":{"timeline":{}},"org.example":1})")->is_default());
}

TEST_CASE("a whole filter is read", "[filter]") {
    const auto definition =
        FilterDefinition::parse(R"({"event_fields":["type","content"],"event_format":"federation",
        "presence":{"not_types":["*"]},"account_data":{"types":["m.direct"]},
        "room":{"rooms":["!a:x","!b:x"],"not_rooms":["!b:x"],"include_leave":true,
            "timeline":{"limit":7,"contains_url":false,"unread_thread_notifications":true},
            "state":{"lazy_load_members":true,"include_redundant_members":true},
            "ephemeral":{"senders":["@a:x"]},"account_data":{"not_senders":["@a:x"]}}})")
            .value();
    CHECK(definition.event_fields == std::vector<std::string>{"type", "content"});
    CHECK(definition.event_format == EventFormatWanted::kFederation);
    CHECK_FALSE(definition.presence.matches("m.presence"));
    CHECK(definition.account_data.matches("m.direct"));
    CHECK_FALSE(definition.account_data.matches("m.push_rules"));
    CHECK(definition.matches_room("!a:x"));
    CHECK_FALSE(definition.matches_room("!b:x"));
    CHECK_FALSE(definition.matches_room("!c:x"));
    CHECK(definition.room.include_leave);
    CHECK(definition.room.timeline.limit == 7);
    CHECK(definition.room.timeline.contains_url == false);
    CHECK(definition.room.timeline.unread_thread_notifications);
    CHECK(definition.lazy_load_members());
    CHECK(definition.room.state.include_redundant_members);
    CHECK_FALSE(definition.room.ephemeral.matches("m.typing", "@b:x"));
    CHECK(definition.room.ephemeral.matches("m.typing"));
}

TEST_CASE("wrong types are errors that name the key", "[filter]") {
    const std::pair<const char*, const char*> broken[] = {
        {R"({"room":[]})", "room"},
        {R"({"room":{"timeline":{"limit":"7"}}})", "room.timeline.limit"},
        {R"({"room":{"timeline":{"limit":-1}}})", "room.timeline.limit"},
        {R"({"room":{"timeline":{"limit":1.5}}})", "room.timeline.limit"},
        {R"({"room":{"state":{"types":"m.x"}}})", "room.state.types"},
        {R"({"room":{"state":{"types":[1]}}})", "room.state.types"},
        {R"({"room":{"state":{"lazy_load_members":1}}})", "room.state.lazy_load_members"},
        {R"({"room":{"rooms":["#a:x"]}})", "room.rooms"},
        {R"({"presence":{"senders":["a"]}})", "presence.senders"},
        {R"({"event_format":"xml"})", "event_format"},
        {R"({"event_format":5})", "event_format"},
        {R"({"event_fields":{}})", "event_fields"}};
    for (const auto& [text, key] : broken) {
        INFO(text);
        const auto result = FilterDefinition::parse(text);
        REQUIRE(result.has_error());
        CHECK(result.error().message.find(std::string{key} + " must be") != std::string::npos);
    }
    CHECK(FilterDefinition::parse("[]").has_error());
    CHECK(FilterDefinition::parse("{").has_error());
}

TEST_CASE("types match with wildcards, exclusion wins", "[filter]") {
    const auto room_events = filter(R"({"types":["m.room.*","m.reaction"],"not_types":["m.room.mem*r"]})");
    CHECK(room_events.matches_type("m.room.message"));
    CHECK(room_events.matches_type("m.reaction"));
    CHECK_FALSE(room_events.matches_type("m.reaction.x"));
    CHECK_FALSE(room_events.matches_type("m.room.member"));
    CHECK_FALSE(room_events.matches_type("org.example"));
    CHECK(wildcard_matches("a*b*c", "axxbyyc"));
    CHECK_FALSE(wildcard_matches("a*b", "axc"));
    CHECK_FALSE(wildcard_matches("m.room", "m.room.x"));
}

TEST_CASE("events are matched by type, sender, room and url", "[filter]") {
    const auto image = event("m.room.message", "@a:x", R"({"url":"mxc://x/y"})");
    const auto text = event("m.room.message", "@b:x", R"({"body":"x","url":5})");
    CHECK(filter(R"({"contains_url":true})").matches(*image));
    CHECK_FALSE(filter(R"({"contains_url":true})").matches(*text));
    CHECK(filter(R"({"contains_url":false})").matches(*text));
    CHECK_FALSE(filter(R"({"senders":["@a:x"]})").matches(*text));
    CHECK_FALSE(filter(R"({"senders":["@b:x"],"not_senders":["@b:x"]})").matches(*text));
    CHECK_FALSE(filter(R"({"rooms":["!other:x"]})").matches(*text));
    CHECK_FALSE(filter(R"({"not_rooms":["!r:x"]})").matches(*text));
    CHECK(filter(R"({"rooms":["!r:x"]})").matches(*text));
}

TEST_CASE("an empty list admits nothing, an absent one everything", "[filter]") {
    CHECK(filter(R"({"types":[]})").admits_nothing());
    CHECK_FALSE(filter(R"({"types":[]})").matches_type("m.x"));
    CHECK_FALSE(filter(R"({"not_types":[]})").admits_nothing());
    CHECK(filter(R"({"limit":5,"lazy_load_members":true})").admits_everything());
}

TEST_CASE("limits have a default and a maximum", "[filter]") {
    CHECK(filter("{}").limit_or(10, 100) == 10);
    CHECK(filter(R"({"limit":50})").limit_or(10, 100) == 50);
    CHECK(filter(R"({"limit":5000})").limit_or(10, 100) == 100);
    CHECK(filter(R"({"limit":0})").limit_or(10, 100) == 0);
}

TEST_CASE("paths split at dots that are not escaped", "[filter]") {
    CHECK(split_property_path("content.body") == std::vector<std::string>{"content", "body"});
    CHECK(split_property_path(R"(content.m\.relates_to.x)") ==
          std::vector<std::string>{"content", "m.relates_to", "x"});
    CHECK(split_property_path(R"(a\\b.c\x)") == std::vector<std::string>{R"(a\b)", R"(c\x)"});
}

TEST_CASE("event_fields leaves only what was asked for", "[filter]") {
    const auto shown = object(
        R"({"type":"m.x","sender":"@a:x","content":{"body":"b","m.relates_to":{"rel_type":"r","event_id":"$e"},"n":1}})");
    const auto pick = [&shown](std::vector<std::string> fields) { return only_fields(shown, fields); };
    CHECK(pick({}) == shown);
    CHECK(pick({"type", "none"}) == object(R"({"type":"m.x"})"));
    CHECK(pick({"content.body", R"(content.m\.relates_to.rel_type)", "type.x"}) ==
          object(R"({"content":{"body":"b","m.relates_to":{"rel_type":"r"}}})"));
    CHECK(pick({"content", "content.body"}) ==
          object(R"({"content":{"body":"b","m.relates_to":{"rel_type":"r","event_id":"$e"},"n":1}})"));
}
