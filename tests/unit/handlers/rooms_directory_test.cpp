#include <catch2/catch.hpp>

#include "weft/core/errors.hpp"
#include "weft/handlers/rooms/public_rooms.hpp"
#include "weft/handlers/rooms/room_directory.hpp"
#include "weft/handlers/rooms/state_events.hpp"

using namespace weft;
using handlers::directory_entry;
using handlers::DirectoryToken;
using handlers::matches;
using handlers::new_aliases;
using handlers::PublicRoomsQuery;
using handlers::without_alias;
namespace json = boost::json;

namespace {

proto::EventPtr state(std::string_view type, json::object content) {
    const json::object pdu{{"type", type},
                           {"state_key", ""},
                           {"sender", "@alice:example.org"},
                           {"room_id", "!room:example.org"},
                           {"content", std::move(content)},
                           {"depth", 1},
                           {"prev_events", json::array{}},
                           {"auth_events", json::array{}},
                           {"origin_server_ts", 1}};
    return proto::Event::from_database(proto::EventId::trusted(fmt::format("${}", type)), proto::to_json(pdu),
                                       "{}", proto::RoomVersion::get("11"))
        .value();
}

std::vector<std::string> texts(const std::vector<proto::RoomAlias>& aliases) {
    std::vector<std::string> out;
    for (const auto& alias : aliases) out.push_back(alias.str());
    return out;
}

}  // namespace

TEST_CASE("a directory entry shows what the state says") {
    const auto entry = directory_entry(
        {"!room:example.org", 3},
        {state("m.room.name", {{"name", "Pub"}}), state("m.room.topic", {{"topic", "Beer"}}),
         state("m.room.avatar", {{"url", "mxc://a/b"}}),
         state("m.room.canonical_alias", {{"alias", "#pub:a"}}),
         state("m.room.join_rules", {{"join_rule", "knock"}}), state("m.room.create", {{"type", "m.space"}}),
         state("m.room.history_visibility", {{"history_visibility", "world_readable"}}),
         state("m.room.guest_access", {{"guest_access", "can_join"}})});

    CHECK(entry == json::object{{"room_id", "!room:example.org"},
                                {"num_joined_members", 3},
                                {"world_readable", true},
                                {"guest_can_join", true},
                                {"name", "Pub"},
                                {"topic", "Beer"},
                                {"avatar_url", "mxc://a/b"},
                                {"canonical_alias", "#pub:a"},
                                {"join_rule", "knock"},
                                {"room_type", "m.space"}});
}

TEST_CASE("a directory entry of a room without state is closed and nameless") {
    const auto entry = directory_entry({"!room:example.org", 1}, {state("m.room.name", {{"name", 7}})});

    CHECK(entry == json::object{{"room_id", "!room:example.org"},
                                {"num_joined_members", 1},
                                {"world_readable", false},
                                {"guest_can_join", false},
                                {"join_rule", "invite"}});
}

TEST_CASE("a search finds parts of name, topic and alias in any letter case") {
    const json::object entry{
        {"name", "The Grand Duke"}, {"topic", "happy HOUR"}, {"canonical_alias", "#pub:a"}};
    PublicRoomsQuery query;

    for (const auto* const hit : {"", "grand", "DUKE", "happy hour", "#PUB"}) {
        query.search = hit;
        CHECK(matches(entry, query));
    }
    query.search = "wine";
    CHECK_FALSE(matches(entry, query));
}

TEST_CASE("a search for room types tells spaces from rooms without a type") {
    const json::object room;
    const json::object space{{"room_type", "m.space"}};
    PublicRoomsQuery query;

    using Types = std::vector<std::optional<std::string>>;
    query.room_types = Types{std::nullopt};
    CHECK(matches(room, query));
    CHECK_FALSE(matches(space, query));
    query.room_types = Types{"m.space"};
    CHECK_FALSE(matches(room, query));
    CHECK(matches(space, query));
    query.room_types = Types{std::nullopt, "m.space"};
    CHECK(matches(room, query));
    CHECK(matches(space, query));
}

TEST_CASE("directory tokens read back as written") {
    for (const auto* const text : {"n0", "p17", "n4711"})
        CHECK(DirectoryToken::parse(text)->to_string() == text);
}

TEST_CASE("directory tokens that are none are refused") {
    for (const auto* const text : {"", "n", "x1", "n-1", "n1x", "n99999999999999999999999"}) {
        CHECK_FALSE(DirectoryToken::parse(text));
    }
}

TEST_CASE("only aliases that were not there before are looked at") {
    const json::object before{{"alias", "#a:x"}, {"alt_aliases", json::array{"#b:x", 7}}};

    CHECK(new_aliases({{"alias", "#a:x"}, {"alt_aliases", json::array{"#b:x"}}}, before).empty());
    CHECK(texts(new_aliases({{"alias", "#b:x"}, {"alt_aliases", json::array{"#c:x", "#d:x"}}}, before)) ==
          std::vector<std::string>{"#c:x", "#d:x"});
}

TEST_CASE("no canonical alias is no new alias") {
    CHECK(new_aliases({{"alias", nullptr}}, {}).empty());
    CHECK(new_aliases({{"alias", ""}}, {}).empty());
    CHECK(new_aliases({}, {}).empty());
}

TEST_CASE("an alias that is none is an invalid parameter") {
    for (const json::object& content :
         {json::object{{"alias", "pub"}}, json::object{{"alias", 7}}, json::object{{"alt_aliases", "#a:x"}},
          json::object{{"alt_aliases", json::array{""}}}, json::object{{"alt_aliases", json::array{7}}}}) {
        try {
            new_aliases(content, {});
            FAIL("accepted " << proto::to_json(content));
        } catch (const core::MatrixError& error) {
            CHECK(error.errcode == "M_INVALID_PARAM");
        }
    }
}

TEST_CASE("a deleted alias leaves the canonical alias event") {
    CHECK(without_alias({{"alias", "#a:x"}, {"alt_aliases", json::array{"#a:x", "#b:x"}}}, "#a:x") ==
          json::object{{"alt_aliases", json::array{"#b:x"}}});
    CHECK(without_alias({{"alias", "#a:x"}, {"alt_aliases", json::array{"#b:x"}}}, "#b:x") ==
          json::object{{"alias", "#a:x"}});
}

TEST_CASE("an event that does not name the deleted alias stays") {
    CHECK_FALSE(without_alias({{"alias", "#a:x"}}, "#b:x"));
    CHECK_FALSE(without_alias({}, "#b:x"));
}
