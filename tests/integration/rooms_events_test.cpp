#include <catch2/catch.hpp>

#include "rooms_fixture.hpp"
#include "weft/core/random.hpp"
#include "weft/http/uri.hpp"

using namespace weft;
using test::RoomsFixture;
namespace json = boost::json;

namespace {

const std::string kAlice = "@alice:test";
const std::string kBob = "@bob:test";

constexpr auto kPublic = R"({"preset": "public_chat"})";

std::string room_path(const std::string& room_id, std::string_view tail) {
    return fmt::format("/rooms/{}/{}", room_id, tail);
}

std::string reaction_to(const std::string& event_id) {
    return proto::to_json(json::object{
        {"m.relates_to", {{"rel_type", "m.annotation"}, {"event_id", event_id}, {"key", "+1"}}}});
}

/// A room with Bob in it, where Alice has sent a message.
struct Chat {
    explicit Chat(RoomsFixture& fixture, std::string body = kPublic)
        : room_id{fixture.create_room(kAlice, std::move(body))} {
        fixture.post(kBob, room_path(room_id, "join"));
        message = fixture.put(kAlice, room_path(room_id, "send/m.room.message/hello"), R"({"body": "hello"})")
                      .text("event_id");
    }
    std::string room_id;
    std::string message;
};

}  // namespace

TEST_CASE("a message is stored once however often its transaction is repeated", "[rooms]") {
    RoomsFixture fixture;
    const auto room_id = fixture.create_room(kAlice);
    const auto path = room_path(room_id, "send/m.room.message/txn");

    const auto first = fixture.put(kAlice, path, R"({"body": "x"})");
    const auto events = fixture.timeline(room_id).size();
    const auto again = fixture.put(kAlice, path, R"({"body": "x"})");

    CHECK(first.status == 200);
    CHECK(again.text("event_id") == first.text("event_id"));
    CHECK(fixture.timeline(room_id).size() == events);
    CHECK(fixture.put(kAlice, room_path(room_id, "send/m.room.message/other"), R"({"body": "x"})")
              .text("event_id") != first.text("event_id"));
}

TEST_CASE("messages of strangers, without JSON or too large are refused", "[rooms]") {
    RoomsFixture fixture;
    const auto room_id = fixture.create_room(kAlice);
    const auto path = room_path(room_id, "send/m.room.message/txn");

    CHECK(fixture.put(kBob, path, R"({"body": "x"})").errcode() == "M_FORBIDDEN");
    CHECK(fixture.put(kAlice, path, "x").errcode() == "M_NOT_JSON");
    CHECK(fixture.put(kAlice, path, "[]").errcode() == "M_BAD_JSON");
    CHECK(fixture.put(kAlice, path, R"({"n": 1.5})").errcode() == "M_BAD_JSON");
    CHECK(fixture.put(kAlice, path, proto::to_json(json::object{{"body", std::string(70'000, 'x')}}))
              .errcode() == "M_TOO_LARGE");
    CHECK(fixture.put(kAlice, "/rooms/!nowhere:test/send/m.room.message/1").errcode() == "M_NOT_FOUND");
    CHECK(fixture.put(kAlice, "/rooms/nonsense/send/m.room.message/1").errcode() == "M_INVALID_PARAM");
}

TEST_CASE("one redacts one's own events and with power those of others", "[rooms]") {
    RoomsFixture fixture;
    const Chat chat{fixture};
    const auto own = fixture.put(kBob, room_path(chat.room_id, "send/m.room.message/1"), R"({"body": "x"})")
                         .text("event_id");

    CHECK(fixture.put(kBob, room_path(chat.room_id, "redact/" + chat.message + "/1")).errcode() ==
          "M_FORBIDDEN");
    CHECK(fixture.put(kBob, room_path(chat.room_id, "redact/$unknown/2")).errcode() == "M_NOT_FOUND");
    CHECK(fixture.put(kBob, room_path(chat.room_id, "redact/" + own + "/3")).status == 200);
    CHECK(fixture.put(kAlice, room_path(chat.room_id, "redact/" + chat.message + "/1"), "").status == 200);
    CHECK(fixture.put(kBob + "/admin", room_path(chat.room_id, "redact/" + chat.message + "/4")).status ==
          200);
}

TEST_CASE("a redaction names its target where its room version wants it", "[rooms]") {
    RoomsFixture fixture;
    for (const auto* const version : {"10", "11"}) {
        CAPTURE(version);
        const Chat chat{fixture,
                        fmt::format(R"({{"preset": "public_chat", "room_version": "{}"}})", version)};
        const auto body = proto::to_json(json::object{{"redacts", chat.message}, {"reason", "spam"}});

        const auto sent = fixture.put(kAlice, room_path(chat.room_id, "send/m.room.redaction/1"), body);
        const auto redacted = fixture.put(kAlice, room_path(chat.room_id, "redact/" + chat.message + "/2"),
                                          R"({"reason": "spam"})");

        for (const auto& answer : {sent, redacted}) {
            REQUIRE(answer.status == 200);
            const auto event = fixture.event(answer.text("event_id"));
            CHECK(event->redacts()->str() == chat.message);
            CHECK(proto::get_string(event->content(), "reason") == "spam");
            CHECK(event->content().contains("redacts") == event->room_version().redacts_in_content);
            CHECK(event->to_object().contains("redacts") != event->room_version().redacts_in_content);
        }
    }
}

TEST_CASE("a redaction that names nothing is refused", "[rooms]") {
    RoomsFixture fixture;
    const Chat chat{fixture};
    const auto path = room_path(chat.room_id, "send/m.room.redaction/1");

    CHECK(fixture.put(kAlice, path, "{}").errcode() == "M_BAD_JSON");
    CHECK(fixture.put(kAlice, path, R"({"redacts": "hello"})").errcode() == "M_INVALID_PARAM");
}

TEST_CASE("the create event is never redacted", "[rooms]") {
    RoomsFixture fixture;
    const auto room_id = fixture.create_room(kAlice);
    const auto create =
        fixture.storage.run(fixture.states.current_event(proto::RoomId::trusted(room_id), "m.room.create"));

    CHECK(fixture.put(kAlice, room_path(room_id, "redact/" + create->event_id().str() + "/1")).errcode() ==
          "M_FORBIDDEN");
}

TEST_CASE("the same reaction is taken once, and again after it was redacted", "[rooms]") {
    RoomsFixture fixture;
    const Chat chat{fixture};
    const auto react = [&](const std::string& user, const std::string& txn) {
        return fixture.put(user, room_path(chat.room_id, "send/m.reaction/" + txn),
                           reaction_to(chat.message));
    };

    const auto first = react(kBob, "1");
    REQUIRE(first.status == 200);
    CHECK(react(kBob, "1").text("event_id") == first.text("event_id"));
    const auto second = react(kBob, "2");
    CHECK(second.status == 400);
    CHECK(second.errcode() == "M_DUPLICATE_ANNOTATION");
    CHECK(react(kAlice, "1").status == 200);
    fixture.put(kBob, room_path(chat.room_id, "redact/" + first.text("event_id") + "/r"));
    CHECK(react(kBob, "3").status == 200);
}

TEST_CASE("state is set with and without a state key and trailing slash", "[rooms]") {
    RoomsFixture fixture;
    const auto room_id = fixture.create_room(kAlice);

    CHECK(fixture.put(kAlice, room_path(room_id, "state/m.room.topic"), R"({"topic": "one"})").status == 200);
    CHECK(fixture.state(room_id, "m.room.topic") == json::object{{"topic", "one"}});
    CHECK(fixture.put(kAlice, room_path(room_id, "state/m.room.topic/"), R"({"topic": "two"})").status ==
          200);
    CHECK(fixture.state(room_id, "m.room.topic") == json::object{{"topic", "two"}});
    CHECK(fixture.put(kAlice, room_path(room_id, "state/org.example/a%2Fb"), R"({"x": 1})").status == 200);
    CHECK(fixture.state(room_id, "org.example", "a/b") == json::object{{"x", 1}});
    CHECK(fixture.put(kAlice, room_path(room_id, "state/org.example/a/b"), R"({"x": 1})").errcode() ==
          "M_UNRECOGNIZED");
}

TEST_CASE("state that is so already keeps its event", "[rooms]") {
    RoomsFixture fixture;
    const auto room_id = fixture.create_room(kAlice);
    const auto path = room_path(room_id, "state/m.room.topic");

    const auto first = fixture.put(kAlice, path, R"({"topic": "one"})").text("event_id");

    CHECK(fixture.put(kAlice, path, R"({"topic": "one"})").text("event_id") == first);
    CHECK(fixture.put(kAlice, path, R"({"topic": "two"})").text("event_id") != first);
}

TEST_CASE("state needs power", "[rooms]") {
    RoomsFixture fixture;
    const Chat chat{fixture};

    CHECK(fixture.put(kBob, room_path(chat.room_id, "state/m.room.topic"), R"({"topic": "x"})").errcode() ==
          "M_FORBIDDEN");
    CHECK(fixture.state(chat.room_id, "m.room.topic").empty());
}

TEST_CASE("a canonical alias must point to the room", "[rooms]") {
    RoomsFixture fixture;
    const auto room_id = fixture.create_room(kAlice, R"({"room_alias_name": "one"})");
    fixture.create_room(kAlice, R"({"room_alias_name": "two"})");
    const auto path = room_path(room_id, "state/m.room.canonical_alias");

    const auto elsewhere = fixture.put(kAlice, path, R"({"alias": "#two:test"})");
    CHECK(elsewhere.status == 400);
    CHECK(elsewhere.errcode() == "M_BAD_ALIAS");
    CHECK(fixture.put(kAlice, path, R"({"alt_aliases": ["#none:test"]})").errcode() == "M_BAD_ALIAS");
    CHECK(fixture.put(kAlice, path, R"({"alias": "one"})").errcode() == "M_INVALID_PARAM");
    CHECK(fixture.put(kAlice, path, R"({"alt_aliases": ["#one:test"]})").status == 200);
    CHECK(fixture.put(kAlice, path, "{}").status == 200);
}

TEST_CASE("membership changes through state follow the rules of membership", "[rooms]") {
    RoomsFixture fixture;
    const auto room_id = fixture.create_room(kAlice, kPublic);
    const auto member = [&](const std::string& by, const std::string& whom, std::string_view membership) {
        return fixture.put(by, room_path(room_id, "state/m.room.member/" + whom),
                           fmt::format(R"({{"membership": "{}"}})", membership));
    };

    CHECK(member(kBob, kBob, "join").status == 200);
    CHECK(member(kAlice, "@carol:test", "join").errcode() == "M_FORBIDDEN");
    CHECK(member(kAlice, kBob, "invite").errcode() == "M_FORBIDDEN");
    CHECK(member(kAlice, kBob, "ban").status == 200);
    CHECK(member(kBob, kBob, "join").errcode() == "M_FORBIDDEN");
    CHECK(member(kAlice, kBob, "leave").status == 200);
    CHECK(member(kAlice, kBob, "leave").errcode() == "M_FORBIDDEN");
    CHECK(member(kAlice, kBob, "dance").errcode() == "M_INVALID_PARAM");
    CHECK(member(kAlice, "bob", "invite").errcode() == "M_INVALID_PARAM");
    CHECK(fixture.put(kAlice, room_path(room_id, "state/m.room.member/" + kBob), "{}").errcode() ==
          "M_BAD_JSON");
}

TEST_CASE("a member has another name in one room", "[rooms]") {
    RoomsFixture fixture;
    fixture.storage.run(fixture.profiles.set_displayname("alice", "Alice"));
    fixture.storage.run(fixture.profiles.set_avatar_url("alice", "mxc://a/b"));
    const auto room_id = fixture.create_room(kAlice);

    const auto answer = fixture.put(kAlice, room_path(room_id, "state/m.room.member/" + kAlice),
                                    R"({"membership": "join", "displayname": "Al"})");

    CHECK(answer.status == 200);
    CHECK(fixture.state(room_id, "m.room.member", kAlice) ==
          json::object{{"membership", "join"}, {"displayname", "Al"}, {"avatar_url", "mxc://a/b"}});
}

TEST_CASE("NUL characters harm nobody", "[rooms]") {
    RoomsFixture fixture;
    const auto room_id = fixture.create_room(kAlice);

    CHECK(fixture.put(kAlice, room_path(room_id, "state/org.example/a%00b"), "{}").errcode() ==
          "M_INVALID_PARAM");
    CHECK(fixture.put(kAlice, room_path(room_id, "state/org%00example"), "{}").errcode() ==
          "M_INVALID_PARAM");
    CHECK(fixture.put(kAlice, room_path(room_id, "send/org%00example/1"), "{}").errcode() ==
          "M_INVALID_PARAM");
    CHECK(fixture.put(kAlice, room_path(room_id, "send/m.room.message/a%00b"), "{}").errcode() ==
          "M_INVALID_PARAM");
    CHECK(fixture
              .put(kAlice, room_path(room_id, "state/m.room.member/" + kAlice),
                   R"({"membership": "join", "displayname": "a\u0000b"})")
              .status == 200);
    CHECK(fixture.put(kAlice, room_path(room_id, "state/m.room.name"), R"({"name": "a\u0000b"})").status ==
          200);
    const auto relation = json::object{
        {"m.relates_to",
         {{"rel_type", "m.annotation"}, {"event_id", "$a"}, {"key", std::string_view{"a\0b", 3}}}}};
    CHECK(fixture.put(kAlice, room_path(room_id, "send/m.reaction/1"), proto::to_json(relation)).status ==
          200);
}

TEST_CASE("texts too long for an index harm nobody", "[rooms]") {
    RoomsFixture fixture;
    const auto room_id = fixture.create_room(kAlice);
    const auto noise = core::random_letters(30'000);
    const auto relation = [](std::string_view event_id, std::string_view key) {
        return proto::to_json(json::object{
            {"m.relates_to", {{"rel_type", "m.annotation"}, {"event_id", event_id}, {"key", key}}}});
    };

    CHECK(fixture.put(kAlice, room_path(room_id, "send/m.reaction/1"), relation("$a", noise)).status == 200);
    CHECK(fixture.put(kAlice, room_path(room_id, "send/m.reaction/2"), relation("$" + noise, "x")).status ==
          200);
    CHECK(fixture.put(kAlice, room_path(room_id, "send/m.room.message/" + noise), "{}").errcode() ==
          "M_INVALID_PARAM");
}
