#include "weft/handlers/sync/sync_token.hpp"

#include <catch2/catch.hpp>

using weft::handlers::SyncToken;

TEST_CASE("a sync token reads what it writes", "[sync_token]") {
    const SyncToken token{1, 2, 3, 4, 5, 6, 7, 8, 9};

    CHECK(token.to_string() == "s1_2_3_4_5_6_7_8_9");
    CHECK(SyncToken::parse(token.to_string()).value() == token);
    CHECK(SyncToken::parse(SyncToken{}.to_string()).value() == SyncToken{});
}

TEST_CASE("tokens of older and newer servers are read as far as they go", "[sync_token]") {
    CHECK(SyncToken::parse("s12_3").value() == SyncToken{12, 3});
    CHECK(SyncToken::parse("s12").value() == SyncToken{12});
    CHECK(SyncToken::parse("s1_2_3_4_5_6_7_8_9_10_x~y").value() == SyncToken{1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("where writers of events differ, a sync token says how far each is", "[sync_token]") {
    SyncToken token{1, 2, 3, 4, 5, 6, 7, 8, 9};
    token.room = weft::storage::WriterPositions{std::map<std::string, std::int64_t>{{"p1", 10}, {"p2", 12}}};
    CHECK(token.to_string().starts_with("m10~"));
    CHECK(token.to_string().ends_with("_2_3_4_5_6_7_8_9"));
    CHECK(SyncToken::parse(token.to_string()).value() == token);
    CHECK_FALSE(SyncToken::parse("s" + token.to_string()).has_value());
}

TEST_CASE("what is no sync token is refused", "[sync_token]") {
    for (const auto* text : {"", "s", "x1_2", "1_2_3", "s1__3", "s1_2_", "s1_a", "s 1", "m", "m1~_2", "s1.5", "t1-2", "s99999999999999999999", "s-1_2", "s1_-2"}) {
        CAPTURE(text);
        CHECK_FALSE(SyncToken::parse(text).has_value());
    }
}
