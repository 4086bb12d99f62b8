#include "weft/proto/redaction.hpp"

#include <catch2/catch.hpp>

#include "room_fixture.hpp"

using namespace weft::proto;
using test::object;

namespace {

/// What is left of `content` in the version.
std::string pruned_content(std::string_view version, std::string_view type, std::string_view content) {
    json::object event{{"type", type}, {"content", object(content)}};
    return canonical_json(prune(event, RoomVersion::get(version)).at("content"));
}

}  // namespace

TEST_CASE("redaction keeps the top-level keys of the room version", "[redaction]") {
    const auto event = object(
        R"({"event_id":"$e","type":"m.x","room_id":"!r:x","sender":"@a:x","state_key":"","content":{"a":1},
        "hashes":{},"signatures":{},"depth":1,"prev_events":[],"prev_state":[],"auth_events":[],"origin":"x",
        "origin_server_ts":1,"membership":"join","redacts":"$t","unsigned":{"a":1},"extra":true})");
    const auto kept = [&event](std::string_view version) {
        std::set<std::string> keys;
        for (const auto& member : prune(event, RoomVersion::get(version))) keys.emplace(member.key());
        return keys;
    };
    const std::set<std::string> since_11 = {"event_id",  "type",        "room_id",     "sender",
                                            "state_key", "content",     "hashes",      "signatures",
                                            "depth",     "prev_events", "auth_events", "origin_server_ts"};
    auto before_11 = since_11;
    before_11.insert({"prev_state", "origin", "membership"});
    CHECK(kept("1") == before_11);
    CHECK(kept("10") == before_11);
    CHECK(kept("11") == since_11);
    CHECK(kept("12") == since_11);
}

TEST_CASE("redaction keeps what the content of each type needs", "[redaction]") {
    const auto member = R"({"membership":"join","displayname":"A","join_authorised_via_users_server":"@b:x",
        "third_party_invite":{"display_name":"a","signed":{"mxid":"@a:x"}}})";
    CHECK(pruned_content("8", "m.room.member", member) == R"({"membership":"join"})");
    CHECK(pruned_content("9", "m.room.member", member) ==
          R"({"join_authorised_via_users_server":"@b:x","membership":"join"})");
    CHECK(
        pruned_content("11", "m.room.member", member) ==
        R"({"join_authorised_via_users_server":"@b:x","membership":"join","third_party_invite":{"signed":{"mxid":"@a:x"}}})");

    const auto create = R"({"creator":"@a:x","room_version":"11","m.federate":false})";
    CHECK(pruned_content("10", "m.room.create", create) == R"({"creator":"@a:x"})");
    CHECK(pruned_content("11", "m.room.create", create) ==
          R"({"creator":"@a:x","m.federate":false,"room_version":"11"})");

    const auto rules = R"({"join_rule":"restricted","allow":[],"other":1})";
    CHECK(pruned_content("7", "m.room.join_rules", rules) == R"({"join_rule":"restricted"})");
    CHECK(pruned_content("8", "m.room.join_rules", rules) == R"({"allow":[],"join_rule":"restricted"})");

    const auto levels =
        R"({"ban":1,"events":{},"events_default":2,"invite":3,"kick":4,"notifications":{},"redact":5,
        "state_default":6,"users":{},"users_default":7})";
    CHECK(
        pruned_content("10", "m.room.power_levels", levels) ==
        R"({"ban":1,"events":{},"events_default":2,"kick":4,"redact":5,"state_default":6,"users":{},"users_default":7})");
    CHECK(
        pruned_content("11", "m.room.power_levels", levels) ==
        R"({"ban":1,"events":{},"events_default":2,"invite":3,"kick":4,"redact":5,"state_default":6,"users":{},"users_default":7})");

    CHECK(pruned_content("5", "m.room.aliases", R"({"aliases":[]})") == R"({"aliases":[]})");
    CHECK(pruned_content("6", "m.room.aliases", R"({"aliases":[]})") == "{}");
    CHECK(pruned_content("1", "m.room.history_visibility", R"({"history_visibility":"joined","x":1})") ==
          R"({"history_visibility":"joined"})");
    CHECK(pruned_content("10", "m.room.redaction", R"({"redacts":"$e","reason":"x"})") == "{}");
    CHECK(pruned_content("11", "m.room.redaction", R"({"redacts":"$e","reason":"x"})") ==
          R"({"redacts":"$e"})");
    CHECK(pruned_content("11", "m.room.message", R"({"body":"x"})") == "{}");
}

TEST_CASE("events that are no good JSON are pruned without harm", "[redaction]") {
    CHECK(canonical_json(prune(object(R"({"type":5,"content":[]})"), RoomVersion::get("11"))) ==
          R"({"content":{},"type":5})");
    CHECK(pruned_content("11", "m.room.member", R"({"third_party_invite":"x"})") == "{}");
}

TEST_CASE("a pruned event keeps its id and place and says that it is redacted", "[redaction]") {
    auto room = test::Room::with_alice("11");
    const auto message =
        room.send(test::user("alice"), "m.room.message", std::nullopt, object(R"({"body":"secret"})"));

    const auto pruned = prune_event(*message);

    CHECK(pruned->event_id() == message->event_id());
    CHECK(pruned->metadata().redacted);
    CHECK(pruned->content().empty());
    CHECK(pruned->pdu_json().find("secret") == std::string::npos);
    CHECK(pruned->prev_events() == message->prev_events());
    CHECK(compute_event_id(pruned->to_object(), room.version).value() == message->event_id());
}
