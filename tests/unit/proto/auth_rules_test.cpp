#include "weft/proto/auth_rules.hpp"

#include <catch2/catch.hpp>

#include "auth_fixture.hpp"

using namespace weft::proto;
using namespace weft::proto::test;

TEST_CASE("the first events of a room are allowed in every version", "[auth]") {
    for (const auto& version : RoomVersion::all()) {
        INFO(version.id);
        Room room{version.id};
        CHECK(check_auth(*room.create, AuthLookup{}, version).allowed());
        const auto check_and_send = [&room](std::string type, std::string state_key, json::object content) {
            const auto event = room.make(kAlice, type, state_key, content);
            CHECK(room.check(event).reason() == "");
            std::vector<EventPtr> auth_events;
            for (const auto& id : event->auth_events()) auth_events.push_back(room.load(id));
            CHECK(check_auth_event_selection(*event, auth_events, room.version).reason() == "");
            room.send(kAlice, type, state_key, content);
        };
        check_and_send("m.room.member", kAlice.str(), object(R"({"membership":"join"})"));
        auto levels = object(R"({"users":{"@bob:example.org":50}})");
        if (!version.privileged_creators) levels["users"].as_object()[kAlice.str()] = 100;
        check_and_send("m.room.power_levels", "", levels);
        check_and_send("m.room.join_rules", "", object(R"({"join_rule":"public"})"));
        CHECK(room.verdict(kAlice, "m.room.message", std::nullopt, {}) == "");
    }
}

TEST_CASE("rule 1 of versions 6 and 10: what a create event may be", "[auth]") {
    for (const auto* id : {"6", "10"}) {
        INFO(id);
        const auto& version = RoomVersion::get(id);
        const auto judge = [&version](std::string_view changes) {
            auto pdu = object(
                R"({"type":"m.room.create","state_key":"","sender":"@alice:example.org","room_id":"!r:example.org",
                "content":{"creator":"@alice:example.org"},"origin_server_ts":1,"depth":1,"prev_events":[],"auth_events":[]})");
            for (const auto& member : object(changes)) pdu[member.key()] = member.value();
            return check_auth(*Event::from_json(canonical_json(pdu), version).value(), AuthLookup{}, version)
                .rule();
        };
        CHECK(judge("{}") == "");
        CHECK(judge(R"({"prev_events":["$p"]})") == "1.1");
        CHECK(judge(R"({"room_id":"!r:other.example"})") == "1.2");
        CHECK(judge(R"({"content":{"creator":"@a:b","room_version":"99"}})") == "1.3");
        CHECK(judge(R"({"content":{"creator":"@a:b","room_version":6}})") == "1.3");
        CHECK(judge(R"({"content":{}})") == "1.4");
    }
}

TEST_CASE("rule 1 of versions 11 and 12: no creator is needed, additional ones are checked", "[auth]") {
    const auto judge = [](std::string_view id, std::string_view content) {
        Room room{id, object(content)};
        return check_auth(*room.create, AuthLookup{}, room.version).rule();
    };
    CHECK(judge("11", "{}") == "");
    CHECK(judge("11", R"({"additional_creators":5})") == "");
    CHECK(judge("12", R"({"additional_creators":["@bob:example.org"]})") == "");
    CHECK(judge("12", R"({"additional_creators":[]})") == "");
    CHECK(judge("12", R"({"additional_creators":"@bob:example.org"})") == "1.4");
    CHECK(judge("12", R"({"additional_creators":["bob"]})") == "1.4");
    CHECK(judge("12", R"({"additional_creators":[5]})") == "1.4");
}

TEST_CASE(
    "rule 2 of versions 6, 10 and 11: auth events are those that are needed, once, accepted, of this room",
    "[auth]") {
    for (const auto* id : {"6", "10", "11"}) {
        INFO(id);
        auto room = busy_room(id);
        const auto message = room.make(kBob, "m.room.message", std::nullopt, {});
        const auto auth = room.lookup();
        const auto create = auth.find_ptr("m.room.create");
        const auto member = auth.find_ptr("m.room.member", kBob.str());
        const auto check = [&](std::vector<EventPtr> events) {
            return check_auth_event_selection(*message, events, room.version).rule();
        };
        CHECK(check({create, member}) == "");
        CHECK(check({create, member,
                     room.make(kBob, "m.room.member", kBob.str(), object(R"({"membership":"join"})"))}) ==
              "2.1");
        CHECK(check({create, member, auth.find_ptr("m.room.join_rules")}) == "2.2");
        CHECK(check({create, member, auth.find_ptr("m.room.member", kCarol.str())}) == "2.2");
        CHECK(check({create, message}) == "2.2");
        EventMetadata rejected;
        rejected.rejected_reason = "auth";
        CHECK(check({create, member->with_metadata(rejected)}) == "2.3");
        CHECK(check({member}) == "2.4");
        auto foreign = create->to_object();
        foreign["room_id"] = "!other:example.org";
        CHECK(check({Event::from_json(canonical_json(foreign), room.version).value(), member}) == "2.5");
    }
}

TEST_CASE("rules 2 and 3 of version 12: the room id implies the create event, auth events must not name it",
          "[auth]") {
    auto room = busy_room("12");
    const auto message = room.make(kBob, "m.room.message", std::nullopt, {});
    const auto create = room.lookup().find_ptr("m.room.create");
    const auto member = room.lookup().find_ptr("m.room.member", kBob.str());
    for (const auto& id : message->auth_events()) CHECK(id != create->event_id());

    CHECK(check_auth_event_selection(*message, std::vector{member}, room.version).rule() == "");
    CHECK(check_auth_event_selection(*message, std::vector{create, member}, room.version).rule() == "3.2");

    AuthLookup without_create;
    without_create.add(member);
    CHECK(check_auth(*message, without_create, room.version).rule() == "2");
    EventMetadata rejected;
    rejected.rejected_reason = "auth";
    without_create.add(create->with_metadata(rejected));
    CHECK(check_auth(*message, without_create, room.version).rule() == "2");
    without_create.add(Room{"12", object(R"({"other":1})")}.create);
    CHECK(check_auth(*message, without_create, room.version).rule() == "2");
}

TEST_CASE("rule 3 (4 in version 12): a room that is not federated takes no other servers", "[auth]") {
    for (const auto& [id, rule] : {std::pair{"6", "3"}, {"10", "3"}, {"11", "3"}, {"12", "4"}}) {
        INFO(id);
        Room room{id, object(R"({"m.federate":false})")};
        room.join("alice");
        room.send(kAlice, "m.room.join_rules", "", object(R"({"join_rule":"public"})"));
        CHECK(room.member_verdict(kMallory, kMallory, "join") == rule);
        CHECK(room.member_verdict(kBob, kBob, "join") == "");
    }
}

TEST_CASE("rule 4 of version 5: aliases belong to the server that is their state key", "[auth]") {
    auto room = busy_room("5");
    CHECK(room.verdict(kBob, "m.room.aliases", test::kServer, {}) == "");
    CHECK(room.verdict(kBob, "m.room.aliases", std::nullopt, {}) == "4.1");
    CHECK(room.verdict(kBob, "m.room.aliases", "other.example", {}) == "4.2");
    auto later = busy_room("6");
    CHECK(later.verdict(kBob, "m.room.aliases", test::kServer, {}) == "7");
}

TEST_CASE("rules 5 to 8 (6 to 9 in version 12): membership, third-party invites, levels and state keys",
          "[auth]") {
    for (const auto& [id, first] : {std::pair{"6", 5}, {"10", 5}, {"11", 5}, {"12", 6}}) {
        INFO(id);
        const auto rule = [first = first](int offset, std::string rest = "") {
            return std::to_string(first + offset) + rest;
        };
        auto room = busy_room(id);
        CHECK(room.verdict(user("dave"), "m.room.message", std::nullopt, {}) == rule(0));
        CHECK(room.verdict(kBob, "m.room.third_party_invite", "t", {}) == "");
        CHECK(room.verdict(kBob, "m.room.message", std::nullopt, {}) == "");
        CHECK(room.verdict(kBob, "m.room.topic", "", {}) == rule(2));
        CHECK(room.verdict(kAlice, "m.room.topic", "", {}) == "");
        room.send(
            kAlice, "m.room.power_levels", "",
            changed_levels(
                room, R"({"invite":10,"events":{"m.room.topic":0,"m.room.message":20},"state_default":0})"));
        CHECK(room.verdict(kBob, "m.room.third_party_invite", "t", {}) == rule(1, ".1"));
        CHECK(room.verdict(kBob, "m.room.topic", "", {}) == "");
        CHECK(room.verdict(kBob, "m.room.message", std::nullopt, {}) == rule(2));
        CHECK(room.verdict(kBob, "org.example", kBob.str(), {}) == "");
        CHECK(room.verdict(kBob, "org.example", kCarol.str(), {}) == rule(3));
    }
}

TEST_CASE(
    "rule 11 of versions 1 and 2: redactions need the level or the same server; later versions ask elsewhere",
    "[auth]") {
    auto room = busy_room("2");
    room.join("mallory", "evil.example");
    const auto judge = [&room](std::string_view target, const UserId& sender) {
        auto pdu = room.make(sender, "m.room.redaction", std::nullopt, {})->to_object();
        pdu["redacts"] = target;
        return room.check(Event::from_json(canonical_json(pdu), room.version).value()).rule();
    };
    CHECK(judge("$x:example.org", kBob) == "");
    CHECK(judge("$x:evil.example", kBob) == "11.3");
    CHECK(judge("$x:evil.example", kAlice) == "");
    CHECK(judge("$hash", kBob) == "11.3");

    auto later = busy_room("3");
    const auto theirs = later.make(user("mallory", "evil.example"), "m.room.message", std::nullopt, {});
    const auto redaction = later.make(kBob, "m.room.redaction", std::nullopt, {});
    CHECK(later.check(redaction).allowed());
    CHECK_FALSE(may_redact(*redaction, *theirs, later.lookup().power_levels(later.version)));
    CHECK(may_redact(*redaction, *later.make(kCarol, "m.room.message", std::nullopt, {}),
                     later.lookup().power_levels(later.version)));
    CHECK(may_redact(*later.make(kAlice, "m.room.redaction", std::nullopt, {}), *theirs,
                     later.lookup().power_levels(later.version)));
}

TEST_CASE("auth events are selected as the specification lists them", "[auth]") {
    const auto types = [](std::string_view id, std::string_view type, std::optional<std::string> state_key,
                          std::string_view content) {
        std::set<std::string> out;
        for (const auto& key :
             auth_types_for_event(type, kAlice.str(), state_key, object(content), RoomVersion::get(id))) {
            out.insert(key.type().substr(7) + "/" + key.state_key());
        }
        return out;
    };
    using Set = std::set<std::string>;
    const Set base = {"create/", "power_levels/", "member/@alice:example.org"};
    const auto plus = [&base](Set more) {
        more.insert(base.begin(), base.end());
        return more;
    };
    CHECK(types("10", "m.room.create", "", "{}").empty());
    CHECK(types("10", "m.room.message", std::nullopt, "{}") == base);
    CHECK(types("12", "m.room.message", std::nullopt, "{}") ==
          Set{"power_levels/", "member/@alice:example.org"});
    CHECK(types("10", "m.room.member", kBob.str(), R"({"membership":"leave"})") ==
          plus({"member/@bob:example.org"}));
    CHECK(types("10", "m.room.member", kBob.str(), R"({"membership":"invite"})") ==
          plus({"member/@bob:example.org", "join_rules/"}));
    CHECK(types("10", "m.room.member", kBob.str(),
                R"({"membership":"invite","third_party_invite":{"signed":{"token":"t"}}})") ==
          plus({"member/@bob:example.org", "join_rules/", "third_party_invite/t"}));
    const auto* restricted =
        R"({"membership":"join","join_authorised_via_users_server":"@carol:example.org"})";
    CHECK(types("8", "m.room.member", kAlice.str(), restricted) ==
          plus({"join_rules/", "member/@carol:example.org"}));
    CHECK(types("7", "m.room.member", kAlice.str(), restricted) == plus({"join_rules/"}));
}
