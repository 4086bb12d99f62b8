// Tokens that clients hold on to, and other texts that are read and written again.
#include <catch2/catch.hpp>

#include "sync/sliding_state.hpp"
#include "weft/handlers/reading/message_search.hpp"
#include "weft/handlers/rooms/room_previews.hpp"
#include "weft/handlers/turn_password.hpp"
#include "weft/handlers/user_directory.hpp"

using namespace weft::handlers;

TEST_CASE("a hierarchy token is read as it was written, and nothing else is one") {
    const HierarchyToken token{12, 5, true};
    const auto read = HierarchyToken::parse(token.to_string());
    REQUIRE(read);
    CHECK(read->index == 12);
    CHECK(read->max_depth == 5);
    CHECK(read->suggested_only);
    for (const auto* const text :
         {"", "h", "h1", "h1_2", "h1_2_", "h1_2_2", "h1_-2_0", "h1_2_0x", "x1_2_0", "h-1_2_0"}) {
        CAPTURE(text);
        CHECK_FALSE(HierarchyToken::parse(text));
    }
}

TEST_CASE("a search token keeps its place and its group") {
    SearchToken token;
    token.offset = 7;
    REQUIRE(SearchToken::parse(token.to_string()));
    CHECK(SearchToken::parse(token.to_string())->offset == 7);
    CHECK_FALSE(SearchToken::parse(token.to_string())->group);
    token.group.emplace(SearchGroup::kSender, "@a:b");
    CHECK(SearchToken::parse(token.to_string())->group == token.group);
    for (const auto* const text : {"", "x", "YWxs", "????"}) {
        CAPTURE(text);
        CHECK_FALSE(SearchToken::parse(text));
    }
}

TEST_CASE("a sliding sync position names the connection's state and the streams") {
    SlidingToken token;
    token.position_id = 3;
    token.streams.room = 9;
    const auto read = SlidingToken::parse(token.to_string());
    REQUIRE(read);
    CHECK(read->position_id == 3);
    CHECK(read->streams == token.streams);
    for (const auto* const text : {"", "3", "3/", "/s1", "x/s1", "3/x"}) {
        CAPTURE(text);
        CHECK_FALSE(SlidingToken::parse(text));
    }
}

TEST_CASE("the state of a sliding sync connection is read as it was written") {
    SlidingConnectionState state;
    const auto place = state.place_of({{"m.room.member", "$LAZY"}});
    SyncToken behind;
    behind.room = 4;
    state.rooms["!a:b"] = SlidingRoomState{SlidingStanding::kJoined, 20, place, std::nullopt};
    state.rooms["!c:d"] = SlidingRoomState{SlidingStanding::kPending, 0, state.place_of({}), behind};

    const auto read = SlidingConnectionState::parse(state.to_string());
    REQUIRE(read);
    CHECK(*read == state);
    for (const auto* const text : {"", "{}", R"({"configs": [], "rooms": {"!a:b": [0, 1, 0]}})",
                                   R"({"configs": [[]], "rooms": {"!a:b": [7, 1, 0]}})"}) {
        CAPTURE(text);
        CHECK_FALSE(SlidingConnectionState::parse(text));
    }
    state.rooms.erase("!a:b");
    state.drop_unused();
    CHECK(state.configs.size() == 1);
    CHECK(state.rooms.at("!c:d").config == 0);
}

TEST_CASE("names are split into words at everything but letters and digits") {
    using Words = std::vector<std::string>;
    CHECK(directory_words("Bob the-Builder (42)") == Words{"bob", "the", "builder", "42"});
    CHECK(directory_words("@bob:example.org") == Words{"bob", "example", "org"});
    CHECK(directory_words("Zo\xC3\xAB") == Words{"zo\xC3\xAB"});
    CHECK(directory_words(" '&|!:* ").empty());
}

TEST_CASE("a TURN password is the padded base64 of an HMAC-SHA1") {
    // printf '1443779631:@user:example.com' | openssl dgst -sha1 -hmac secret -binary | base64
    CHECK(turn_password("secret", "1443779631:@user:example.com") == "Xm0lErj7sx/fpxQLH9q1I3FF0uw=");
}
