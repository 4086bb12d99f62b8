#include <catch2/catch.hpp>

#include "rooms_fixture.hpp"
#include "weft/http/uri.hpp"

using namespace weft;
using test::RoomsFixture;
namespace json = boost::json;

namespace {

const std::string kAlice = "@alice:test";
const std::string kBob = "@bob:test";
const std::string kCarol = "@carol:test";

constexpr auto kPublic = R"({"preset": "public_chat"})";

std::string room_path(const std::string& room_id, std::string_view tail) {
    return fmt::format("/rooms/{}/{}", room_id, tail);
}

std::string naming(const std::string& user_id) {
    return proto::to_json(json::object{{"user_id", user_id}});
}

}  // namespace

TEST_CASE("a room is there with all its events when createRoom answers", "[rooms]") {
    RoomsFixture fixture;
    fixture.storage.run(fixture.profiles.set_displayname("alice", "Alice"));

    const auto answer =
        fixture.post(kAlice, "/createRoom",
                     R"({"name": "Pub", "topic": "Beer", "room_alias_name": "pub", "preset": "public_chat",
                                         "visibility": "public", "invite": ["@bob:test"], "is_direct": true})");

    REQUIRE(answer.status == 200);
    const auto room_id = answer.text("room_id");
    CHECK(answer.text("room_alias") == "#pub:test");
    CHECK(fixture.timeline(room_id) ==
          std::vector<std::string>{"m.room.create", "m.room.member", "m.room.power_levels",
                                   "m.room.canonical_alias", "m.room.join_rules", "m.room.history_visibility",
                                   "m.room.guest_access", "m.room.name", "m.room.topic", "m.room.member"});
    const auto member = fixture.state(room_id, "m.room.member", kAlice);
    CHECK(proto::get_string(member, "displayname") == "Alice");
    CHECK(fixture.get("", "/directory/room/%23pub:test").text("room_id") == room_id);
    CHECK(fixture.get("", "/directory/list/room/" + room_id).text("visibility") == "public");
    CHECK(fixture.state(room_id, "m.room.member", kBob) ==
          json::object{{"membership", "invite"}, {"is_direct", true}});
}

TEST_CASE("rooms of every supported version can be made and written to", "[rooms]") {
    RoomsFixture fixture;
    for (const auto& version : proto::RoomVersion::all()) {
        CAPTURE(version.id);
        const auto room_id = fixture.create_room(kAlice, fmt::format(R"({{"room_version": "{}", "name": "N",
                                                                     "preset": "trusted_private_chat",
                                                                     "invite": ["@bob:test"]}})",
                                                                     version.id));

        CHECK(room_id.find(':') == (version.room_id_is_create_hash ? std::string::npos : room_id.size() - 5));
        CHECK(fixture.post(kBob, room_path(room_id, "join")).status == 200);
        CHECK(fixture.put(kBob, room_path(room_id, "state/m.room.topic"), R"({"topic": "T"})").status == 200);
        const auto sent = fixture.put(kBob, room_path(room_id, "send/m.room.message/1"), R"({"body": "x"})");
        CHECK(sent.status == 200);
        CHECK(fixture
                  .put(kAlice,
                       room_path(room_id, "redact/" + http::percent_encode(sent.text("event_id")) + "/1"),
                       "{}")
                  .status == 200);
    }
}

TEST_CASE("createRoom refuses what cannot be", "[rooms]") {
    RoomsFixture fixture;
    fixture.create_room(kAlice, R"({"room_alias_name": "pub"})");

    CHECK(fixture.post(kAlice, "/createRoom", R"({"room_alias_name": "pub"})").errcode() == "M_ROOM_IN_USE");
    CHECK(fixture.post(kAlice, "/createRoom", R"({"room_alias_name": "a b"})").errcode() ==
          "M_INVALID_PARAM");
    CHECK(fixture.post(kAlice, "/createRoom", R"({"room_alias_name": "a:b"})").errcode() ==
          "M_INVALID_PARAM");
    CHECK(fixture.post(kAlice, "/createRoom", R"({"room_version": "0"})").errcode() ==
          "M_UNSUPPORTED_ROOM_VERSION");
    CHECK(
        fixture.post(kAlice, "/createRoom", R"({"name": "N", "power_level_content_override": {"users": {}}})")
            .errcode() == "M_INVALID_ROOM_STATE");
    CHECK(fixture.post(kAlice, "/createRoom", R"({"invite": ["@x:elsewhere.org"]})").errcode() ==
          "M_FORBIDDEN");
    CHECK(fixture.post(kAlice + "/guest", "/createRoom").errcode() == "M_FORBIDDEN");
    CHECK(fixture.get(kAlice, "/joined_rooms").body.at("joined_rooms").as_array().size() == 1);
}

TEST_CASE("of two rooms that want one alias at the same time one gets it and the other is not left behind",
          "[rooms]") {
    RoomsFixture fixture;

    const auto answers = fixture.post_both(kAlice, kBob, "/createRoom", R"({"room_alias_name": "pub"})");

    const auto& [first, second] = answers;
    const bool first_won = first.status == 200;
    CHECK((first_won ? second : first).errcode() == "M_ROOM_IN_USE");
    CHECK(fixture.get("", "/directory/room/%23pub:test").text("room_id") ==
          (first_won ? first : second).text("room_id"));
    CHECK(fixture.get(first_won ? kAlice : kBob, "/joined_rooms").body.at("joined_rooms").as_array().size() ==
          1);
    CHECK(fixture.get(first_won ? kBob : kAlice, "/joined_rooms").body.at("joined_rooms").as_array().empty());
}

TEST_CASE("an invite carries the stripped state of the room and the inviter", "[rooms]") {
    RoomsFixture fixture;
    const auto room_id = fixture.create_room(kAlice, R"({"name": "Pub"})");

    REQUIRE(
        fixture.post(kAlice, room_path(room_id, "invite"), R"({"user_id": "@bob:test", "reason": "come"})")
            .status == 200);

    const auto rooms = fixture.storage.run(fixture.states.rooms_of_user(kBob));
    const auto& invite = rooms->at(proto::RoomId::trusted(room_id));
    CHECK(invite.membership == "invite");
    const auto event = fixture.event(invite.event_id.str());
    CHECK(proto::get_string(event->content(), "reason") == "come");
    std::vector<std::string> types;
    const auto* const stripped = proto::get_array(event->unsigned_data(), "invite_room_state");
    REQUIRE(stripped != nullptr);
    for (const auto& entry : *stripped) types.emplace_back(*proto::get_string(entry.as_object(), "type"));
    CHECK(types ==
          std::vector<std::string>{"m.room.create", "m.room.name", "m.room.join_rules", "m.room.member"});
}

TEST_CASE("a public room is joined by ID and by alias, as often as one likes", "[rooms]") {
    RoomsFixture fixture;
    const auto room_id =
        fixture.create_room(kAlice, R"({"preset": "public_chat", "room_alias_name": "pub"})");

    CHECK(fixture.post(kBob, room_path(room_id, "join"), "").text("room_id") == room_id);
    const auto events = fixture.timeline(room_id).size();
    CHECK(fixture.post(kBob, "/join/" + room_id + "?via=test").text("room_id") == room_id);
    CHECK(fixture.timeline(room_id).size() == events);
    CHECK(fixture.post(kCarol, "/join/%23pub:test?server_name=test", R"({"reason": "hi"})").text("room_id") ==
          room_id);
    CHECK(fixture.state(room_id, "m.room.member", kCarol).at("reason") == "hi");
    CHECK(fixture.get(kCarol, "/joined_rooms").body == json::object{{"joined_rooms", json::array{room_id}}});
}

TEST_CASE("rooms that are closed, unknown or elsewhere are not joined", "[rooms]") {
    RoomsFixture fixture;
    const auto room_id = fixture.create_room(kAlice);

    CHECK(fixture.post(kBob, room_path(room_id, "join")).errcode() == "M_FORBIDDEN");
    CHECK(fixture.post(kBob, "/join/!nowhere:test").errcode() == "M_NOT_FOUND");
    CHECK(fixture.post(kBob, "/join/%23nowhere:elsewhere.org").errcode() == "M_NOT_FOUND");
    CHECK(fixture.post(kBob, "/join/nonsense").errcode() == "M_INVALID_PARAM");
}

TEST_CASE("leaving rejects invites and is done once", "[rooms]") {
    RoomsFixture fixture;
    const auto room_id = fixture.create_room(kAlice, R"({"invite": ["@bob:test"]})");

    CHECK(fixture.post(kBob, room_path(room_id, "leave"), R"({"reason": "no"})").status == 200);
    CHECK(fixture.membership(room_id, kBob) == "leave");
    CHECK(fixture.post(kBob, room_path(room_id, "leave")).status == 200);
    CHECK(fixture.post(kCarol, room_path(room_id, "leave")).errcode() == "M_FORBIDDEN");
    CHECK(fixture.post(kCarol, "/rooms/!nowhere:test/leave").errcode() == "M_NOT_FOUND");
}

TEST_CASE("a member cannot be invited, a banned user neither", "[rooms]") {
    RoomsFixture fixture;
    const auto room_id = fixture.create_room(kAlice, kPublic);
    fixture.post(kBob, room_path(room_id, "join"));
    fixture.post(kAlice, room_path(room_id, "ban"), naming(kCarol));

    CHECK(fixture.post(kAlice, room_path(room_id, "invite"), naming(kBob)).errcode() == "M_FORBIDDEN");
    CHECK(fixture.post(kAlice, room_path(room_id, "invite"), naming(kCarol)).errcode() == "M_FORBIDDEN");
    CHECK(fixture.post(kAlice, room_path(room_id, "invite"), naming("@x:elsewhere.org")).errcode() ==
          "M_FORBIDDEN");
    CHECK(fixture.post(kAlice, room_path(room_id, "invite"), "{}").errcode() == "M_MISSING_PARAM");
    CHECK(fixture.post(kAlice, room_path(room_id, "invite"), R"({"medium": "email"})").errcode() ==
          "M_MISSING_PARAM");
}

TEST_CASE("kick, ban and unban take their turns", "[rooms]") {
    RoomsFixture fixture;
    const auto room_id = fixture.create_room(kAlice, kPublic);
    fixture.post(kBob, room_path(room_id, "join"));

    CHECK(fixture.post(kBob, room_path(room_id, "kick"), naming(kAlice)).errcode() == "M_FORBIDDEN");
    CHECK(fixture.post(kAlice, room_path(room_id, "kick"), R"({"user_id": "@bob:test", "reason": "rude"})")
              .status == 200);
    CHECK(fixture.state(room_id, "m.room.member", kBob) ==
          json::object{{"membership", "leave"}, {"reason", "rude"}});
    CHECK(fixture.post(kAlice, room_path(room_id, "kick"), naming(kBob)).errcode() == "M_FORBIDDEN");
    CHECK(fixture.post(kAlice, room_path(room_id, "unban"), naming(kBob)).errcode() == "M_BAD_STATE");
    CHECK(fixture.post(kAlice, room_path(room_id, "ban"), naming(kBob)).status == 200);
    CHECK(fixture.post(kBob, room_path(room_id, "join")).errcode() == "M_FORBIDDEN");
    CHECK(fixture.post(kAlice, room_path(room_id, "kick"), naming(kBob)).errcode() == "M_BAD_STATE");
    CHECK(fixture.post(kAlice, room_path(room_id, "unban"), naming(kBob)).status == 200);
    CHECK(fixture.post(kBob, room_path(room_id, "join")).status == 200);
}

TEST_CASE("only rooms one has left are forgotten, until one comes back", "[rooms]") {
    RoomsFixture fixture;
    const auto room_id = fixture.create_room(kAlice, kPublic);
    fixture.post(kBob, room_path(room_id, "join"));
    const auto forgotten = [&] {
        return fixture.storage.run(fixture.states.rooms_of_user(kBob))
            ->at(proto::RoomId::trusted(room_id))
            .forgotten;
    };

    const auto refused = fixture.post(kBob, room_path(room_id, "forget"));
    CHECK(refused.status == 400);
    CHECK(refused.errcode() == "M_UNKNOWN");
    fixture.post(kBob, room_path(room_id, "leave"));
    CHECK_FALSE(forgotten());
    CHECK(fixture.post(kBob, room_path(room_id, "forget")).status == 200);
    CHECK(forgotten());
    fixture.post(kBob, room_path(room_id, "join"));
    CHECK_FALSE(forgotten());
}

TEST_CASE("a knock is seen with the room's stripped state and answered by an invite", "[rooms]") {
    RoomsFixture fixture;
    const auto room_id = fixture.create_room(
        kAlice, R"({"initial_state": [{"type": "m.room.join_rules", "content": {"join_rule": "knock"}}]})");

    const auto knocked = fixture.post(kBob, "/knock/" + room_id, R"({"reason": "please"})");
    CHECK(knocked.text("room_id") == room_id);
    CHECK(fixture.membership(room_id, kBob) == "knock");
    CHECK(fixture.post(kBob, room_path(room_id, "join")).errcode() == "M_FORBIDDEN");
    CHECK(fixture.post(kAlice, room_path(room_id, "invite"), naming(kBob)).status == 200);
    CHECK(fixture.post(kBob, room_path(room_id, "join")).status == 200);
}

TEST_CASE("knocking needs a room version and a join rule that allow it", "[rooms]") {
    RoomsFixture fixture;
    CHECK(fixture.post(kBob, "/knock/" + fixture.create_room(kAlice, R"({"room_version": "6"})")).errcode() ==
          "M_FORBIDDEN");
    CHECK(fixture.post(kBob, "/knock/" + fixture.create_room(kAlice)).errcode() == "M_FORBIDDEN");
}

TEST_CASE("members of an allowed room join a restricted one on a member's authority", "[rooms]") {
    RoomsFixture fixture;
    const auto club = fixture.create_room(kAlice, kPublic);
    fixture.post(kBob, room_path(club, "join"));
    const auto room_id = fixture.create_room(
        kAlice,
        fmt::format(
            R"({{"initial_state": [{{"type": "m.room.join_rules", "content": {{"join_rule": "restricted",
                "allow": [{{"type": "m.room_membership", "room_id": "{}"}}]}}}}]}})",
            club));

    CHECK(fixture.post(kCarol, room_path(room_id, "join")).errcode() == "M_FORBIDDEN");
    CHECK(fixture.post(kBob, room_path(room_id, "join")).status == 200);
    const auto bob_member = fixture.state(room_id, "m.room.member", kBob);
    CHECK(proto::get_string(bob_member, "join_authorised_via_users_server") == kAlice);
}

TEST_CASE("a client cannot authorise its own restricted join", "[rooms]") {
    RoomsFixture fixture;
    const auto room_id = fixture.create_room(
        kAlice,
        R"({"initial_state": [{"type": "m.room.join_rules", "content": {"join_rule": "restricted", "allow": []}}]})");

    const auto answer =
        fixture.put(kBob, room_path(room_id, "state/m.room.member/" + kBob),
                    R"({"membership": "join", "join_authorised_via_users_server": "@alice:test"})");

    CHECK(answer.errcode() == "M_FORBIDDEN");
    CHECK(fixture.membership(room_id, kBob) == "leave");
}

TEST_CASE("guests join only where guests may", "[rooms]") {
    RoomsFixture fixture;
    const auto closed = fixture.create_room(kAlice, kPublic);
    const auto open = fixture.create_room(kAlice, R"({"preset": "public_chat", "initial_state": [
        {"type": "m.room.guest_access", "content": {"guest_access": "can_join"}}]})");

    CHECK(fixture.post(kBob + "/guest", room_path(closed, "join")).errcode() == "M_GUEST_ACCESS_FORBIDDEN");
    CHECK(fixture.post(kBob + "/guest", room_path(open, "join")).status == 200);
    CHECK(fixture.state(open, "m.room.member", kBob).at("kind") == "guest");
}

TEST_CASE("joins and invites have limits of their own", "[rooms]") {
    auto config = RoomsFixture::roomy_config();
    config.rc_joins.local = {0.001, 1};
    config.rc_invites.per_user = {0.001, 2};
    RoomsFixture fixture{config};
    const auto first = fixture.create_room(kAlice, kPublic);
    const auto second = fixture.create_room(kAlice, kPublic);

    CHECK(fixture.post(kBob, room_path(first, "join")).status == 200);
    CHECK(fixture.post(kBob, room_path(first, "join")).status == 200);
    const auto limited = fixture.post(kBob, room_path(second, "join"));
    CHECK(limited.status == 429);
    CHECK(limited.body.contains("retry_after_ms"));
    CHECK(fixture.post(kAlice, room_path(first, "invite"), naming(kCarol)).status == 200);
    CHECK(fixture.post(kAlice, "/createRoom", R"({"invite": ["@carol:test"]})").status == 200);
    CHECK(fixture.post(kAlice, "/createRoom", R"({"invite": ["@carol:test"]})").errcode() ==
          "M_LIMIT_EXCEEDED");
}
