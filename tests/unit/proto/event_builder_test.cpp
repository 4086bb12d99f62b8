#include "weft/proto/event_builder.hpp"

#include <catch2/catch.hpp>

#include "room_fixture.hpp"

using namespace weft::proto;
using test::object;
using test::test_key;
using test::user;

namespace {

EventDraft draft_of(json::object content = {}) {
    return EventDraft{.room_id = RoomId::trusted("!r:example.org"),
                      .sender = user("alice"),
                      .type = "m.room.message",
                      .state_key = std::nullopt,
                      .content = std::move(content),
                      .redacts = std::nullopt,
                      .origin_server_ts = 1};
}

BuildResult build(EventDraft draft, std::string_view version = "10") {
    return build_event(std::move(draft), std::vector{EventId::trusted("$p")},
                       std::vector{EventId::trusted("$a")}, 7, RoomVersion::get(version), test::kServer,
                       test_key());
}

}  // namespace

TEST_CASE("a built event passes the checks of whoever receives it, in every room version",
          "[event_builder]") {
    const auto public_key = base64_decode(test_key().public_key_base64()).value();
    for (const auto& version : RoomVersion::all()) {
        INFO(version.id);
        auto room = test::Room::with_alice(version.id);
        for (const auto& [id, event] : room.events) {
            const auto received = Event::from_json(event->pdu_json(), version).value();
            CHECK(received->event_id() == id);
            CHECK(received->room_id() == event->room_id());
            CHECK(content_hash_matches(received->to_object()));
            CHECK(verify_event(received->to_object(), version, test::kServer, "ed25519:1", public_key)
                      .has_value());
            CHECK(canonical_json(received->to_object()) == event->pdu_json());
        }
    }
}

TEST_CASE("ids are of the form the room version has", "[event_builder]") {
    CHECK(build(draft_of(), "1").value()->event_id().server_name() == test::kServer);
    CHECK(build(draft_of(), "1").value()->event_id() != build(draft_of(), "1").value()->event_id());
    CHECK(build(draft_of(), "4").value()->event_id().str().size() == 44);
    CHECK(build(draft_of(), "4").value()->event_id() == build(draft_of(), "4").value()->event_id());
}

TEST_CASE("redacts is written where the room version wants it", "[event_builder]") {
    auto draft = draft_of();
    draft.type = "m.room.redaction";
    draft.redacts = EventId::trusted("$t");
    const auto old = build(draft, "10").value()->to_object();
    CHECK(get_string(old, "redacts") == "$t");
    CHECK(get_object(old, "content")->empty());
    const auto recent = build(draft, "11").value()->to_object();
    CHECK(find(recent, "redacts") == nullptr);
    CHECK(get_string(*get_object(recent, "content"), "redacts") == "$t");
}

TEST_CASE("what is too large is told from what is malformed", "[event_builder]") {
    auto long_type = draft_of();
    long_type.type = std::string(256, 't');
    CHECK(build(long_type).error().errcode == "M_TOO_LARGE");
    auto long_key = draft_of();
    long_key.state_key = std::string(256, 'k');
    CHECK(build(long_key).error().errcode == "M_TOO_LARGE");
    CHECK(build(draft_of({{"body", std::string(65536, 'x')}})).error().errcode == "M_TOO_LARGE");
    CHECK(build(draft_of({{"body", std::string(60000, 'x')}})).has_value());
    CHECK(build(draft_of({{"body", 1.5}})).error().errcode == "M_BAD_JSON");
    CHECK(build(draft_of({{"body", 1.5}}), "5").has_value());
}

TEST_CASE("value() of a failed build throws what the client is told", "[event_builder]") {
    auto draft = draft_of();
    draft.type = std::string(256, 't');
    try {
        build(draft).value();
        FAIL("nothing was thrown");
    } catch (const weft::core::MatrixError& error) {
        CHECK(error.http_status == 413);
        CHECK(error.errcode == "M_TOO_LARGE");
    }
}

TEST_CASE("metadata and unsigned of the draft go with the event", "[event_builder]") {
    auto draft = draft_of();
    draft.metadata.txn_id = "t1";
    draft.unsigned_data = object(R"({"replaces_state":"$o"})");
    const auto event = build(draft).value();
    CHECK(event->metadata().txn_id == "t1");
    CHECK(get_string(event->unsigned_data(), "replaces_state") == "$o");
    CHECK(content_hash_matches(event->to_object()));
}
