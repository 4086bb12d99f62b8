#include "weft/proto/ids.hpp"

#include <catch2/catch.hpp>
#include <unordered_set>

using namespace weft::proto;

TEST_CASE("server names follow the grammar of the appendices", "[ids]") {
    for (const auto* valid : {"matrix.org", "matrix.org:8888", "1.2.3.4", "1.2.3.4:1234", "[1234:5678::abcd]",
                              "[1234:5678::abcd]:5678", "localhost"}) {
        INFO(valid);
        CHECK(ServerName::parse(valid).has_value());
    }
    for (const auto* invalid :
         {"", ":80", "a:", "a:123456", "a b", "[::1", "[zz]", "[::1]x", "a:80:80", "ex_ample", "a/b"}) {
        INFO(invalid);
        CHECK_FALSE(ServerName::parse(invalid).has_value());
    }
}

TEST_CASE("user ids know their parts and accept historical localparts", "[ids]") {
    const auto id = UserId::parse("@alice:example.org:8448").value();
    CHECK(id.localpart() == "alice");
    CHECK(id.server_name() == "example.org:8448");

    CHECK(UserId::parse("@Ünïcode Größe:example.org").has_value());
    CHECK(UserId::parse("@:example.org").has_value());
    for (const auto* invalid :
         {"", "@", "alice:example.org", "@alice", "@alice:", "@alice:bad host", "!alice:example.org"}) {
        INFO(invalid);
        CHECK_FALSE(UserId::parse(invalid).has_value());
    }
    CHECK_FALSE(UserId::parse(std::string{"@a\0b:example.org", 16}).has_value());
    CHECK_FALSE(UserId::parse("@a\xff:example.org").has_value());
}

TEST_CASE("ids may have 255 bytes and no more", "[ids]") {
    const std::string longest = "@" + std::string(255 - 1 - 2, 'a') + ":b";
    REQUIRE(longest.size() == 255);

    CHECK(UserId::parse(longest).has_value());
    CHECK_FALSE(UserId::parse("@a" + longest.substr(1)).has_value());
}

TEST_CASE("new localparts are restricted to the current grammar", "[ids]") {
    CHECK(UserId::is_valid_new_localpart("a-z_0.9=/+"));
    CHECK_FALSE(UserId::is_valid_new_localpart(""));
    CHECK_FALSE(UserId::is_valid_new_localpart("Alice"));
    CHECK_FALSE(UserId::is_valid_new_localpart("a b"));
    CHECK_FALSE(UserId::is_valid_new_localpart("ä"));
}

TEST_CASE("room ids have a server, or from version 12 on the form of a hash", "[ids]") {
    CHECK(RoomId::parse("!abc:example.org").value().server_name() == "example.org");
    const auto hash = RoomId::parse("!31hneApxJ_1o-63DmFrpeqnkFfWppnzWso1JvH3ogLM").value();
    CHECK_FALSE(hash.server_name().has_value());
    CHECK_FALSE(RoomId::parse("!abc").has_value());
    CHECK_FALSE(RoomId::parse("!31hneApxJ_1o+63DmFrpeqnkFfWppnzWso1JvH3ogLM").has_value());
    CHECK_FALSE(RoomId::parse("#abc:example.org").has_value());
}

TEST_CASE("event ids of all generations parse", "[ids]") {
    CHECK(EventId::parse("$old:example.org").value().server_name() == "example.org");
    CHECK(EventId::parse("$acR1l0raoZnm60CBwAVgqbZqoO/mYU81xysh1u7XcJk").has_value());
    CHECK(EventId::parse("$Rqnc-F-dvnEYJTyHq_iKxU2bZ1CI92-kuZq3a5lr5Zg").has_value());
    CHECK_FALSE(EventId::parse("$").has_value());
    CHECK_FALSE(EventId::parse("Rqnc").has_value());
}

TEST_CASE("aliases and devices parse", "[ids]") {
    const auto alias = RoomAlias::parse("#weft:example.org").value();
    CHECK(alias.localpart() == "weft");
    CHECK(alias.server_name() == "example.org");
    CHECK_FALSE(RoomAlias::parse("#weft").has_value());
    CHECK(DeviceId::parse("ABC 123").has_value());
    CHECK_FALSE(DeviceId::parse("").has_value());
}

TEST_CASE("parts of a trusted id that is garbage are empty, not undefined", "[ids]") {
    CHECK(UserId::trusted("").localpart().empty());
    CHECK(UserId::trusted("x").server_name().empty());
    CHECK_FALSE(RoomId::trusted("").server_name().has_value());
}

TEST_CASE("ids compare, hash and print like their text", "[ids]") {
    const auto a = UserId::trusted("@a:x");
    const auto b = UserId::trusted("@b:x");
    CHECK(a < b);
    CHECK(a != b);
    CHECK(std::unordered_set<UserId>{a, b, a}.size() == 2);
    CHECK(fmt::format("{}", a) == "@a:x");
}

TEST_CASE("a room's shard is its crc32 modulo the number of shards", "[ids]") {
    // crc32("123456789") is 0xcbf43926, the check value of the algorithm.
    const auto id = RoomId::trusted("123456789");
    CHECK(room_shard(id, 1) == 0);
    CHECK(room_shard(id, 7) == 0xcbf43926U % 7);
    CHECK(room_shard(id, 0) == 0);
}
