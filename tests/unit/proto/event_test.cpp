#include "weft/proto/event.hpp"

#include <catch2/catch.hpp>

#include "room_fixture.hpp"
#include "weft/proto/client_event.hpp"
#include "weft/proto/redaction.hpp"

using namespace weft::proto;
using test::object;
using test::user;

namespace {

constexpr std::string_view kMinimal =
    R"({"auth_events":[],"content":{"body":"hi"},"depth":3,"hashes":{"sha256":"x"},
    "origin_server_ts":1000,"prev_events":["$a"],"room_id":"!r:example.org","sender":"@alice:example.org",
    "signatures":{},"type":"m.room.message"})";

/// The minimal event with one member set to this JSON, or removed if empty.
std::string with(std::string_view key, std::string_view value) {
    auto pdu = object(kMinimal);
    if (value.empty()) {
        pdu.erase(key);
    } else {
        pdu[key] = parse_json(value).value();
    }
    return canonical_json(pdu);
}

EventPtr from_database(std::string_view version, std::string_view pdu, std::string_view metadata = "{}") {
    return Event::from_database(EventId::trusted("$id"), std::string{pdu}, metadata,
                                RoomVersion::get(version))
        .value();
}

}  // namespace

TEST_CASE("an event knows what its JSON says", "[event]") {
    const auto event = Event::from_json(std::string{kMinimal}, RoomVersion::get("10")).value();
    CHECK(event->type() == "m.room.message");
    CHECK(event->sender() == user("alice"));
    CHECK(event->room_id().str() == "!r:example.org");
    CHECK_FALSE(event->is_state());
    CHECK(event->depth() == 3);
    CHECK(event->origin_server_ts() == 1000);
    CHECK(event->prev_events() == std::vector{EventId::trusted("$a")});
    CHECK(event->auth_events().empty());
    CHECK(event->event_id().str().size() == 44);
    CHECK(event->pdu_json() == kMinimal);
}

TEST_CASE("a PDU of the wrong shape is refused", "[event]") {
    const auto& version = RoomVersion::get("10");
    const auto too_many = [](int n) {
        std::string list = "[";
        for (int i = 0; i < n; ++i) list += (i ? ",\"$e" : "\"$e") + std::to_string(i) + "\"";
        return list + "]";
    };
    const std::pair<std::string, std::string> broken[] = {{"type", ""},
                                                          {"type", "5"},
                                                          {"type", '"' + std::string(256, 't') + '"'},
                                                          {"sender", "\"alice\""},
                                                          {"sender", ""},
                                                          {"room_id", "\"room\""},
                                                          {"state_key", "7"},
                                                          {"state_key", "null"},
                                                          {"state_key", '"' + std::string(256, 'k') + '"'},
                                                          {"content", "[]"},
                                                          {"content", ""},
                                                          {"origin_server_ts", "\"1\""},
                                                          {"depth", "-1"},
                                                          {"depth", "1.5"},
                                                          {"depth", "9007199254740992"},
                                                          {"prev_events", "{}"},
                                                          {"prev_events", "[1]"},
                                                          {"prev_events", "[\"a\"]"},
                                                          {"prev_events", too_many(21)},
                                                          {"auth_events", too_many(11)},
                                                          {"auth_events", ""},
                                                          {"content", R"({"f":0.5})"}};
    for (const auto& [key, value] : broken) {
        INFO(key << " = " << value);
        CHECK_FALSE(Event::from_json(with(key, value), version).has_value());
    }
    CHECK(Event::from_json(with("prev_events", too_many(20)), version).has_value());
    CHECK_FALSE(Event::from_json("[]", version).has_value());
    CHECK_FALSE(Event::from_json("{", version).has_value());
}

TEST_CASE("old rooms take floats, big integers and deep graphs", "[event]") {
    CHECK(Event::from_json(with("content", R"({"f":0.5})"), RoomVersion::get("5")).has_value());
    CHECK(Event::from_json(with("depth", "9223372036854775807"), RoomVersion::get("5")).has_value());
}

TEST_CASE("an event larger than 65536 bytes is refused, unsigned does not count", "[event]") {
    const auto& version = RoomVersion::get("10");
    const std::string big = R"({"body":")" + std::string(65536, 'x') + "\"}";
    CHECK_FALSE(Event::from_json(with("content", big), version).has_value());
    CHECK(Event::from_json(with("unsigned", big), version).has_value());
}

TEST_CASE("the create event of version 12 makes its own room id", "[event]") {
    test::Room room{"12"};
    CHECK(room.create->room_id().str() == "!" + room.create->event_id().str().substr(1));
    CHECK_FALSE(room.create->to_object().contains("room_id"));

    auto with_room = room.create->to_object();
    with_room["room_id"] = "!r:example.org";
    CHECK_FALSE(Event::from_json(canonical_json(with_room), room.version).has_value());
}

TEST_CASE("redacts comes from where the room version puts it and never throws", "[event]") {
    const std::string top =
        R"({"type":"m.room.redaction","sender":"@a:x","room_id":"!r:x","redacts":"$top","content":{}})";
    const std::string inside =
        R"({"type":"m.room.redaction","sender":"@a:x","room_id":"!r:x","content":{"redacts":"$in"}})";
    CHECK(from_database("10", top)->redacts() == EventId::trusted("$top"));
    CHECK_FALSE(from_database("11", top)->redacts());
    CHECK(from_database("11", inside)->redacts() == EventId::trusted("$in"));
    CHECK_FALSE(from_database("10", inside)->redacts());
    for (const auto* junk : {"5", "null", "{}", "[]", "\"\"", "\"no event\"", "true"}) {
        const std::string odd = R"({"type":"m.room.redaction","sender":"@a:x","room_id":"!r:x","redacts":)" +
                                std::string{junk} + R"(,"content":{"redacts":)" + junk + "}}";
        CHECK_FALSE(from_database("10", odd)->redacts());
        CHECK_FALSE(from_database("11", odd)->redacts());
    }
    CHECK_FALSE(
        from_database("10", R"({"type":"m.x","sender":"@a:x","room_id":"!r:x","redacts":"$e"})")->redacts());
}

TEST_CASE("loading from the database is tolerant, but not of what is no event", "[event]") {
    const auto event = from_database("6", R"({"type":"m.x","sender":"@a:x","room_id":"!r:x"})", "not json");
    CHECK(event->content().empty());
    CHECK(event->depth() == 0);
    for (const auto* broken : {"", "[]", "{}", R"({"type":"m.x","sender":"@a:x"})",
                               R"({"type":1,"sender":"@a:x","room_id":"!r:x"})"}) {
        CHECK_FALSE(
            Event::from_database(EventId::trusted("$id"), broken, "{}", RoomVersion::get("6")).has_value());
    }
}

TEST_CASE("metadata survives the way to JSON and back, unknown keys included", "[event]") {
    const auto text =
        R"({"outlier":true,"soft_failed":true,"txn_id":"t1","token_id":7,"device_id":"DEV","stream_ordering":42,
        "proactively_send":false,"redacted":true,"send_on_behalf_of":"hs","recheck_redaction":true,
        "out_of_band_membership":true,"instance_name":"p1","from_the_future":[1]})";
    const auto metadata = EventMetadata::from_json(object(text));
    CHECK(metadata.outlier);
    CHECK_FALSE(metadata.proactively_send);
    CHECK(metadata.stream_ordering == 42);
    CHECK(canonical_json(metadata.to_json()) == canonical_json(object(text)));

    const auto odd =
        EventMetadata::from_json(object(R"({"outlier":"yes","token_id":"7","stream_ordering":1.5})"));
    CHECK_FALSE(odd.outlier);
    CHECK_FALSE(odd.token_id);
    CHECK_FALSE(odd.stream_ordering);
}

TEST_CASE("a copy with other metadata shares the rest", "[event]") {
    const auto event = Event::from_json(std::string{kMinimal}, RoomVersion::get("10")).value();
    EventMetadata metadata;
    metadata.stream_ordering = 9;
    const auto copy = event->with_metadata(metadata);
    CHECK(copy->stream_ordering() == 9);
    CHECK(event->stream_ordering() == 0);
    CHECK(&copy->content() == &event->content());
}

TEST_CASE("the client form has exactly the members clients expect", "[client_event]") {
    const auto message =
        from_database("10", R"({"type":"m.room.message","sender":"@a:x","room_id":"!r:x","depth":9,
        "origin_server_ts":5,"content":{"b":1,"a":"é"},"hashes":{},"signatures":{},"prev_events":[],"auth_events":[]})");
    CHECK(
        client_event_json(*message, {.include_room_id = false}) ==
        R"({"content":{"b":1,"a":"é"},"event_id":"$id","origin_server_ts":5,"sender":"@a:x","type":"m.room.message"})");
    CHECK(
        client_event_json(*message, {}, R"({"age":1})") ==
        R"({"content":{"b":1,"a":"é"},"event_id":"$id","origin_server_ts":5,"sender":"@a:x","type":"m.room.message","room_id":"!r:x","unsigned":{"age":1}})");

    const auto state =
        from_database("10", R"({"type":"m.room.topic","state_key":"","sender":"@a:x","room_id":"!r:x"})");
    CHECK(client_event_json(*state, {.include_room_id = false}).find(R"("state_key":"")") !=
          std::string::npos);
}

TEST_CASE("clients of all ages find the target of a redaction", "[client_event]") {
    for (
        const auto& [version, pdu] :
        {std::pair{
             "10",
             R"({"type":"m.room.redaction","sender":"@a:x","room_id":"!r:x","redacts":"$t","content":{"reason":"r"}})"},
         std::pair{
             "11",
             R"({"type":"m.room.redaction","sender":"@a:x","room_id":"!r:x","content":{"reason":"r","redacts":"$t"}})"}}) {
        const auto shown = object(client_event_json(*from_database(version, pdu), {}));
        CHECK(get_string(shown, "redacts") == "$t");
        CHECK(get_string(*get_object(shown, "content"), "redacts") == "$t");
        CHECK(get_string(*get_object(shown, "content"), "reason") == "r");
    }
}

TEST_CASE("unsigned shows age, previous content and the sender's transaction, nothing internal",
          "[client_event]") {
    const auto event =
        from_database("10", R"({"type":"m.room.member","state_key":"@a:x","sender":"@a:x","room_id":"!r:x",
        "unsigned":{"age_ts":1000,"replaces_state":"$old","prev_content":{"membership":"invite"},"invite_room_state":[1],"evil":2}})");
    CHECK(object(client_unsigned(*event, {.now_ms = 1500})) ==
          object(R"({"age":500,"replaces_state":"$old","prev_content":{"membership":"invite"}})"));
    CHECK(object(client_unsigned(*event, {.now_ms = {},
                                          .transaction_id = "t\"1",
                                          .redacted_because_json = "{\"x\":1}",
                                          .extra_members_json = "\"membership\":\"join\""})) ==
          object(R"({"replaces_state":"$old","prev_content":{"membership":"invite"},"transaction_id":"t\"1",
                     "redacted_because":{"x":1},"membership":"join"})"));
    const auto plain = from_database("10", R"({"type":"m.x","sender":"@a:x","room_id":"!r:x"})");
    CHECK(client_unsigned(*plain, {}).empty());
}

TEST_CASE("relations are read from m.relates_to, if they are whole", "[event]") {
    const auto reaction = from_database("10", R"({"type":"m.reaction","sender":"@a:x","room_id":"!r:x",
        "content":{"m.relates_to":{"rel_type":"m.annotation","event_id":"$t","key":"+"}}})");
    CHECK(relation_of(*reaction)->event_id == "$t");
    CHECK(relation_of(*reaction)->key == "+");
    const auto reply = from_database("10", R"({"type":"m.x","sender":"@a:x","room_id":"!r:x",
        "content":{"m.relates_to":{"m.in_reply_to":{"event_id":"$t"}}}})");
    CHECK_FALSE(relation_of(*reply));
}
