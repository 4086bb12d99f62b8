// The authorization rules as a table: what happens, and the number of the rule that forbids it in each room
// version.
#include <catch2/catch.hpp>

#include <functional>

#include "auth_fixture.hpp"
#include "weft/proto/auth_rules.hpp"

using namespace weft::proto;
using namespace weft::proto::test;

namespace {

/// The lists of rules that differ in their numbers: 1 to 5, 6, 7, 8 and 9, 10 and 11, 12. "" is allowed.
struct Numbers {
    std::string v1, v6, v7, v8, v10, v12;

    const std::string& of(const RoomVersion& version) const {
        if (version.room_id_is_create_hash) return v12;
        if (version.knock_restricted) return v10;
        if (version.restricted_joins) return v8;
        if (version.knocking) return v7;
        return version.aliases_are_special ? v1 : v6;
    }
};

struct Rule {
    std::string text;
    Numbers numbers;
    std::function<std::string(Room&)> verdict;
};

const auto kDave = user("dave");
const auto kErin = user("erin");

void set_join_rule(Room& room, std::string_view rule) {
    room.send(kAlice, "m.room.join_rules", "", json::object{{"join_rule", rule}});
}
void ban(Room& room, const UserId& who) {
    room.send(kAlice, "m.room.member", who.str(), object(R"({"membership":"ban"})"));
}
void invite(Room& room, const UserId& who) {
    room.send(kAlice, "m.room.member", who.str(), object(R"({"membership":"invite"})"));
}
void set_levels(Room& room, std::string_view changes) {
    room.send(kAlice, "m.room.power_levels", "", changed_levels(room, changes));
}

/// Alice has all power, Bob has 50, Carol none; all three are in the room, which is public.
std::vector<Rule> rules() {
    const Numbers allowed{"", "", "", "", "", ""};
    return {
        {"a membership event without a membership",
         {"5.1", "4.1", "4.1", "4.1", "4.1", "5.1"},
         [](Room& room) { return room.member_verdict(kDave, kDave, json::object{}); }},
        {"a membership event that is no state",
         {"5.1", "4.1", "4.1", "4.1", "4.1", "5.1"},
         [](Room& room) {
             return room.verdict(kDave, "m.room.member", std::nullopt, object(R"({"membership":"join"})"));
         }},
        {"anybody joins a public room", allowed,
         [](Room& room) { return room.member_verdict(kDave, kDave, "join"); }},
        {"somebody is made to join",
         {"5.2.2", "4.2.2", "4.2.2", "4.3.2", "4.3.2", "5.3.2"},
         [](Room& room) { return room.member_verdict(kAlice, kDave, "join"); }},
        {"the banned come back",
         {"5.2.3", "4.2.3", "4.2.3", "4.3.3", "4.3.3", "5.3.3"},
         [](Room& room) {
             ban(room, kCarol);
             return room.member_verdict(kCarol, kCarol, "join");
         }},
        {"the invited join a closed room", allowed,
         [](Room& room) {
             set_join_rule(room, "invite");
             invite(room, kDave);
             return room.member_verdict(kDave, kDave, "join");
         }},
        {"the uninvited join a closed room",
         {"5.2.6", "4.2.6", "4.2.6", "4.3.7", "4.3.7", "5.3.7"},
         [](Room& room) {
             set_join_rule(room, "invite");
             return room.member_verdict(kDave, kDave, "join");
         }},
        {"a join rule that is not known",
         {"5.2.6", "4.2.6", "4.2.6", "4.3.7", "4.3.7", "5.3.7"},
         [](Room& room) {
             set_join_rule(room, "whoever");
             return room.member_verdict(kDave, kDave, "join");
         }},
        {"joining by a restricted rule without anybody's word",
         {"5.2.6", "4.2.6", "4.2.6", "4.3.5.2", "4.3.5.2", "5.3.5.2"},
         [](Room& room) {
             set_join_rule(room, "restricted");
             return room.member_verdict(kDave, kDave, "join");
         }},
        {"joining by knock_restricted without anybody's word",
         {"5.2.6", "4.2.6", "4.2.6", "4.3.7", "4.3.5.2", "5.3.5.2"},
         [](Room& room) {
             set_join_rule(room, "knock_restricted");
             return room.member_verdict(kDave, kDave, "join");
         }},
        {"an invite by somebody who is not there",
         {"5.3.2", "4.3.2", "4.3.2", "4.4.2", "4.4.2", "5.4.2"},
         [](Room& room) { return room.member_verdict(kDave, kErin, "invite"); }},
        {"an invite of a member",
         {"5.3.3", "4.3.3", "4.3.3", "4.4.3", "4.4.3", "5.4.3"},
         [](Room& room) { return room.member_verdict(kBob, kCarol, "invite"); }},
        {"an invite without the power",
         {"5.3.5", "4.3.5", "4.3.5", "4.4.5", "4.4.5", "5.4.5"},
         [](Room& room) {
             set_levels(room, R"({"invite":60})");
             return room.member_verdict(kBob, kDave, "invite");
         }},
        {"a third party's invite that proves nothing",
         {"5.3.1.2", "4.3.1.2", "4.3.1.2", "4.4.1.2", "4.4.1.2", "5.4.1.2"},
         [](Room& room) {
             return room.member_verdict(kBob, kDave,
                                        object(R"({"membership":"invite","third_party_invite":{}})"));
         }},
        {"one leaves", allowed, [](Room& room) { return room.member_verdict(kCarol, kCarol, "leave"); }},
        {"the invited decline", allowed,
         [](Room& room) {
             invite(room, kDave);
             return room.member_verdict(kDave, kDave, "leave");
         }},
        {"somebody leaves who never was there",
         {"5.4.1", "4.4.1", "4.4.1", "4.5.1", "4.5.1", "5.5.1"},
         [](Room& room) { return room.member_verdict(kDave, kDave, "leave"); }},
        {"a kick by somebody who is not there",
         {"5.4.2", "4.4.2", "4.4.2", "4.5.2", "4.5.2", "5.5.2"},
         [](Room& room) { return room.member_verdict(kDave, kCarol, "leave"); }},
        {"an unban without the power to ban",
         {"5.4.3", "4.4.3", "4.4.3", "4.5.3", "4.5.3", "5.5.3"},
         [](Room& room) {
             ban(room, kCarol);
             set_levels(room, R"({"ban":60})");
             return room.member_verdict(kBob, kCarol, "leave");
         }},
        {"a kick of the more powerful",
         {"5.4.5", "4.4.5", "4.4.5", "4.5.5", "4.5.5", "5.5.5"},
         [](Room& room) { return room.member_verdict(kCarol, kBob, "leave"); }},
        {"a kick with the power", allowed,
         [](Room& room) { return room.member_verdict(kBob, kCarol, "leave"); }},
        {"a ban by somebody who is not there",
         {"5.5.1", "4.5.1", "4.5.1", "4.6.1", "4.6.1", "5.6.1"},
         [](Room& room) { return room.member_verdict(kDave, kCarol, "ban"); }},
        {"a ban of the more powerful",
         {"5.5.3", "4.5.3", "4.5.3", "4.6.3", "4.6.3", "5.6.3"},
         [](Room& room) { return room.member_verdict(kBob, kAlice, "ban"); }},
        {"a knock where nobody may",
         {"5.6", "4.6", "4.6.1", "4.7.1", "4.7.1", "5.7.1"},
         [](Room& room) { return room.member_verdict(kDave, kDave, "knock"); }},
        {"a knock where one may",
         {"5.6", "4.6", "", "", "", ""},
         [](Room& room) {
             set_join_rule(room, "knock");
             return room.member_verdict(kDave, kDave, "knock");
         }},
        {"a knock for somebody else",
         {"5.6", "4.6", "4.6.2", "4.7.2", "4.7.2", "5.7.2"},
         [](Room& room) {
             set_join_rule(room, "knock");
             return room.member_verdict(kDave, kErin, "knock");
         }},
        {"a knock by a member",
         {"5.6", "4.6", "4.6.4", "4.7.4", "4.7.4", "5.7.4"},
         [](Room& room) {
             set_join_rule(room, "knock");
             return room.member_verdict(kCarol, kCarol, "knock");
         }},
        {"a knock at a door that is knock_restricted",
         {"5.6", "4.6", "4.6.1", "4.7.1", "", ""},
         [](Room& room) {
             set_join_rule(room, "knock_restricted");
             return room.member_verdict(kDave, kDave, "knock");
         }},
        {"a membership that is not known",
         {"5.6", "4.6", "4.7", "4.8", "4.8", "5.8"},
         [](Room& room) { return room.member_verdict(kBob, kBob, "dance"); }},
        {"a message from outside",
         {"6", "5", "5", "5", "5", "6"},
         [](Room& room) { return room.verdict(kDave, "m.room.message", std::nullopt, {}); }},
        {"a third party's invitation without the power",
         {"7.1", "6.1", "6.1", "6.1", "6.1", "7.1"},
         [](Room& room) {
             set_levels(room, R"({"invite":60})");
             return room.verdict(kBob, "m.room.third_party_invite", "t", {});
         }},
        {"a state event without the power",
         {"8", "7", "7", "7", "7", "8"},
         [](Room& room) { return room.verdict(kCarol, "m.room.topic", "", {}); }},
        {"another's state key",
         {"9", "8", "8", "8", "8", "9"},
         [](Room& room) { return room.verdict(kBob, "org.example.x", kCarol.str(), {}); }},
        {"levels for what is no user",
         {"10.1", "9.1", "9.1", "9.1", "9.3", "10.3"},
         [](Room& room) {
             return room.verdict(kAlice, "m.room.power_levels", "",
                                 changed_levels(room, R"({"users":{"bob":5}})"));
         }},
        {"levels that are text",
         {"", "", "", "", "9.1", "10.1"},
         [](Room& room) {
             return room.verdict(kAlice, "m.room.power_levels", "", changed_levels(room, R"({"ban":"50"})"));
         }},
        {"levels of events that are text",
         {"", "", "", "", "9.2", "10.2"},
         [](Room& room) {
             return room.verdict(kAlice, "m.room.power_levels", "",
                                 changed_levels(room, R"({"events":{"m.x":"5"}})"));
         }},
        {"an alias of another server's",
         {"4.2", "7", "7", "7", "7", "8"},
         [](Room& room) { return room.verdict(kCarol, "m.room.aliases", "other.example", {}); }},
    };
}

}  // namespace

TEST_CASE("each rule forbids what it is about in each version, under its number there", "[auth]") {
    for (const auto& rule : rules()) {
        for (const auto& version : RoomVersion::all()) {
            const auto& number = rule.numbers.of(version);
            DYNAMIC_SECTION("version " << version.id
                                       << (number.empty() ? ", allowed: " : ", rule " + number + ": ")
                                       << rule.text) {
                auto room = busy_room(version.id, 50);
                CHECK(rule.verdict(room) == number);
            }
        }
    }
}
