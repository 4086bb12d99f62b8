#include "weft/proto/auth_rules.hpp"

#include <catch2/catch.hpp>

#include "auth_fixture.hpp"

using namespace weft::proto;
using namespace weft::proto::test;

TEST_CASE("member rules: joining, by version", "[auth]") {
    struct Numbers {
        const char* version;
        std::string shape, wrong_sender, banned, no_rule;
    };
    for (const auto& n :
         {Numbers{"5", "5.1", "5.2.2", "5.2.3", "5.2.6"}, Numbers{"6", "4.1", "4.2.2", "4.2.3", "4.2.6"},
          Numbers{"7", "4.1", "4.2.2", "4.2.3", "4.2.6"}, Numbers{"10", "4.1", "4.3.2", "4.3.3", "4.3.7"},
          Numbers{"11", "4.1", "4.3.2", "4.3.3", "4.3.7"}, Numbers{"12", "5.1", "5.3.2", "5.3.3", "5.3.7"}}) {
        INFO(n.version);
        auto room = busy_room(n.version);
        CHECK(room.member_verdict(user("dave"), user("dave"), "join") == "");
        CHECK(room.member_verdict(user("dave"), user("dave"), json::object{}) == n.shape);
        CHECK(room.verdict(user("dave"), "m.room.member", std::nullopt, object(R"({"membership":"join"})")) ==
              n.shape);
        CHECK(room.member_verdict(user("dave"), kBob, "join") == n.wrong_sender);
        room.send(kAlice, "m.room.member", kCarol.str(), object(R"({"membership":"ban"})"));
        CHECK(room.member_verdict(kCarol, kCarol, "join") == n.banned);

        room.send(kAlice, "m.room.join_rules", "", object(R"({"join_rule":"invite"})"));
        CHECK(room.member_verdict(user("dave"), user("dave"), "join") == n.no_rule);
        CHECK(room.member_verdict(kBob, kBob, "join") == "");
        room.send(kAlice, "m.room.member", user("dave").str(), object(R"({"membership":"invite"})"));
        CHECK(room.member_verdict(user("dave"), user("dave"), "join") == "");
        room.send(kAlice, "m.room.join_rules", "", object(R"({"join_rule":"private"})"));
        CHECK(room.member_verdict(kBob, kBob, "join") == n.no_rule);
    }
}

TEST_CASE("rule 4.2.1 (4.3.1 from version 8): only the creator may join right after the create event",
          "[auth]") {
    for (const auto* id : {"6", "11", "12"}) {
        INFO(id);
        Room room{id};
        CHECK(room.member_verdict(kAlice, kAlice, "join") == "");
        CHECK_FALSE(room.member_verdict(kBob, kBob, "join").empty());
    }
}

TEST_CASE("rule 4.3.5 (5.3.5 in version 12): restricted joins need a member who may invite", "[auth]") {
    for (const auto& [id, prefix] :
         {std::pair{"8", "4.3."}, {"10", "4.3."}, {"11", "4.3."}, {"12", "5.3."}}) {
        INFO(id);
        auto room = busy_room(id);
        room.send(kAlice, "m.room.join_rules", "", object(R"({"join_rule":"restricted","allow":[]})"));
        const auto dave = user("dave");
        const auto join_by = [&](std::string_view who) {
            return room.member_verdict(
                dave, dave, json::object{{"membership", "join"}, {"join_authorised_via_users_server", who}});
        };
        CHECK(room.member_verdict(dave, dave, "join") == prefix + std::string{"5.2"});
        CHECK(join_by(kBob) == "");
        CHECK(join_by("@nobody:example.org") == prefix + std::string{"5.2"});
        CHECK(room.member_verdict(kBob, kBob, "join") == "");
        room.send(kAlice, "m.room.power_levels", "", changed_levels(room, R"({"invite":50})"));
        CHECK(join_by(kBob) == prefix + std::string{"5.2"});
        CHECK(join_by(kAlice) == "");
        room.send(kAlice, "m.room.join_rules", "", object(R"({"join_rule":"knock_restricted"})"));
        CHECK(join_by(kAlice) == (room.version.knock_restricted ? "" : prefix + std::string{"7"}));
    }
    auto old = busy_room("7");
    old.send(kAlice, "m.room.join_rules", "", object(R"({"join_rule":"restricted"})"));
    CHECK(old.member_verdict(kBob, kBob, "join") == "4.2.6");
}

TEST_CASE("member rules: inviting, by version", "[auth]") {
    for (const auto& [id, list] : {std::pair{"6", "4.3."}, {"10", "4.4."}, {"11", "4.4."}, {"12", "5.4."}}) {
        INFO(id);
        const std::string prefix = list;
        auto room = busy_room(id);
        const auto dave = user("dave");
        CHECK(room.member_verdict(kBob, dave, "invite") == "");
        CHECK(room.member_verdict(dave, user("erin"), "invite") == prefix + "2");
        CHECK(room.member_verdict(kBob, kCarol, "invite") == prefix + "3");
        room.send(kAlice, "m.room.member", kCarol.str(), object(R"({"membership":"ban"})"));
        CHECK(room.member_verdict(kBob, kCarol, "invite") == prefix + "3");
        room.send(kAlice, "m.room.power_levels", "", changed_levels(room, R"({"invite":50})"));
        CHECK(room.member_verdict(kBob, dave, "invite") == prefix + "5");
        CHECK(room.member_verdict(kAlice, dave, "invite") == "");
    }
}

TEST_CASE("rule 4.3.1 (4.4.1 from version 8): third-party invites must be signed by an announced key",
          "[auth]") {
    for (const auto& [id, list] : {std::pair{"6", "4.3.1."}, {"10", "4.4.1."}, {"12", "5.4.1."}}) {
        INFO(id);
        const std::string prefix = list;
        auto room = busy_room(id);
        room.send(kAlice, "m.room.third_party_invite", "token1",
                  json::object{{"public_keys", {{{"public_key", test::test_key().public_key_base64()}}}}});
        const auto dave = user("dave");
        json::object proof{{"mxid", dave.str()}, {"token", "token1"}};
        sign_json(proof, "id.example", test::test_key());
        const auto invite = [&](const UserId& sender, const json::value& content) {
            return room.member_verdict(
                sender, dave, json::object{{"membership", "invite"}, {"third_party_invite", content}});
        };
        const auto with = [&proof](std::string_view key, std::string_view value) {
            auto copy = proof;
            copy[key] = value;
            return json::object{{"signed", copy}};
        };
        CHECK(invite(kAlice, {{"signed", proof}}) == "");
        CHECK(invite(kAlice, json::object{}) == prefix + "2");
        CHECK(invite(kAlice, "nonsense") == prefix + "2");
        CHECK(invite(kAlice, {{"signed", {{"mxid", dave.str()}}}}) == prefix + "3");
        CHECK(invite(kAlice, with("mxid", kBob)) == prefix + "4");
        CHECK(invite(kAlice, with("token", "token2")) == prefix + "5");
        CHECK(invite(kBob, {{"signed", proof}}) == prefix + "6");
        CHECK(invite(kAlice, with("forged", "x")) == prefix + "8");
        room.send(kAlice, "m.room.member", dave.str(), object(R"({"membership":"ban"})"));
        CHECK(invite(kAlice, {{"signed", proof}}) == prefix + "1");
    }
}

TEST_CASE("member rules: leaving, kicking and unbanning, by version", "[auth]") {
    for (const auto& [id, list] : {std::pair{"6", "4.4."}, {"10", "4.5."}, {"11", "4.5."}, {"12", "5.5."}}) {
        INFO(id);
        const std::string prefix = list;
        auto room = busy_room(id, 50);
        CHECK(room.member_verdict(kCarol, kCarol, "leave") == "");
        CHECK(room.member_verdict(user("dave"), user("dave"), "leave") == prefix + "1");
        CHECK(room.member_verdict(user("dave"), kCarol, "leave") == prefix + "2");
        CHECK(room.member_verdict(kBob, kCarol, "leave") == "");
        CHECK(room.member_verdict(kCarol, kBob, "leave") == prefix + "5");
        CHECK(room.member_verdict(kBob, kAlice, "leave") == prefix + "5");
        room.send(kAlice, "m.room.member", kCarol.str(), object(R"({"membership":"ban"})"));
        CHECK(room.member_verdict(kBob, kCarol, "leave") == "");
        room.send(kAlice, "m.room.power_levels", "", changed_levels(room, R"({"ban":60})"));
        CHECK(room.member_verdict(kBob, kCarol, "leave") == prefix + "3");
        CHECK(room.member_verdict(kCarol, kCarol, "leave") == prefix + "1");
    }
}

TEST_CASE("member rules: banning, by version", "[auth]") {
    for (const auto& [id, list] : {std::pair{"6", "4.5."}, {"10", "4.6."}, {"11", "4.6."}, {"12", "5.6."}}) {
        INFO(id);
        const std::string prefix = list;
        auto room = busy_room(id, 50);
        CHECK(room.member_verdict(kBob, kCarol, "ban") == "");
        CHECK(room.member_verdict(kBob, user("dave"), "ban") == "");
        CHECK(room.member_verdict(user("dave"), kCarol, "ban") == prefix + "1");
        CHECK(room.member_verdict(kBob, kAlice, "ban") == prefix + "3");
        CHECK(room.member_verdict(kCarol, kBob, "ban") == prefix + "3");
    }
}

TEST_CASE("member rules: knocking, by version", "[auth]") {
    const auto dave = user("dave");
    auto before = busy_room("6");
    before.send(kAlice, "m.room.join_rules", "", object(R"({"join_rule":"knock"})"));
    CHECK(before.member_verdict(dave, dave, "knock") == "4.6");
    for (const auto& [id, list] : {std::pair{"7", "4.6."}, {"10", "4.7."}, {"11", "4.7."}, {"12", "5.7."}}) {
        INFO(id);
        const std::string prefix = list;
        auto room = busy_room(id);
        CHECK(room.member_verdict(dave, dave, "knock") == prefix + "1");
        room.send(kAlice, "m.room.join_rules", "", object(R"({"join_rule":"knock"})"));
        CHECK(room.member_verdict(dave, dave, "knock") == "");
        CHECK(room.member_verdict(dave, user("erin"), "knock") == prefix + "2");
        CHECK(room.member_verdict(kBob, kBob, "knock") == prefix + "4");
        room.send(dave, "m.room.member", dave.str(), object(R"({"membership":"knock"})"));
        CHECK(room.member_verdict(dave, dave, "leave") == "");
        CHECK_FALSE(room.member_verdict(dave, dave, "join").empty());
        room.send(kAlice, "m.room.join_rules", "", object(R"({"join_rule":"knock_restricted"})"));
        CHECK(room.member_verdict(user("erin"), user("erin"), "knock") ==
              (room.version.knock_restricted ? "" : prefix + "1"));
    }
}

TEST_CASE("the last member rule: an unknown membership is rejected", "[auth]") {
    for (const auto& [id, rule] :
         {std::pair{"1", "5.6"}, {"6", "4.6"}, {"7", "4.7"}, {"10", "4.8"}, {"11", "4.8"}, {"12", "5.8"}}) {
        auto room = busy_room(id);
        CHECK(room.member_verdict(kBob, kBob, "dance") == rule);
    }
}
