#include "weft/proto/replication/commands.hpp"

#include <catch2/catch.hpp>

using namespace weft::proto::replication;

namespace {

/// One of each command, odd values included.
std::vector<Command> samples() {
    return {
        Server{"example.com"},
        Rdata{"events", "master", 6287863,
              R"(["ev", ["$ev:h", "!room:h", "m.room.message", null, null, null]])"},
        Rdata{"events", "p1", std::nullopt, R"(["state", ["a b"]])"},
        Position{"typing", "master", std::nullopt, 0},
        Position{"events", "event_persister1", 41, 9'007'199'254'740'993},
        Position{"backfill", "master", -5, -3},
        Error{"something went wrong"},
        Ping{"1590000000000"},
        Ping{""},
        Name{"synapse.app.synchrotron"},
        Replicate{},
        Replicate{{"events", "caches"}},
        UserSync{"abCdE", "@alice:h", true, 1590000000000},
        UserSync{"abCdE", "@alice:h", false, 0},
        ClearUserSyncs{"abCdE"},
        FederationAck{std::nullopt, 12},
        FederationAck{"federation_sender1", 12},
        RemovePusher{"im.vector.app.ios", "aBc123=", "@alice:h"},
        RemovePusher{"app", "a key with  spaces", "@alice:h"},
        UserIp{"@alice:h", "MDAx\"é\xF0\x9F\x98\x80", "10.0.0.1", "Riot/1.6", "DEVICE", 1590000000000},
        UserIp{"@alice:h", "MDAx", "::1", std::nullopt, std::nullopt, 0},
        RemoteServerUp{"up.example.org"},
    };
}

std::string parse_failure(std::string_view line) {
    const auto command = parse_line(line);
    REQUIRE(!command);
    return parse_error_text(line, command.error());
}

}  // namespace

TEST_CASE("every command survives being written and read", "[replication][commands]") {
    std::set<std::size_t> kinds;
    for (const auto& command : samples()) {
        const auto line = format_line(command);
        REQUIRE(line.has_value());
        CAPTURE(*line);
        const auto again = parse_line(*line);
        REQUIRE(again.has_value());
        CHECK((*again == command));
        kinds.insert(command.index());
    }
    CHECK(kinds.size() == command_table().size());
}

TEST_CASE("a command is spelled as on the wire", "[replication][commands]") {
    CHECK(*format_line(Replicate{}) == "REPLICATE ");
    CHECK(*format_line(Replicate{{"events", "caches"}}) == "REPLICATE streams=events,caches");
    CHECK(*format_line(UserSync{"abCdE", "@a:h", true, 5}) == "USER_SYNC abCdE @a:h start 5");
    CHECK(*format_line(ClearUserSyncs{"abCdE"}) == "CLEAR_USER_SYNCS abCdE");
    CHECK(*format_line(ClearUserSyncs{"abCdE"}, Dialect::kSynapse115) == "CLEAR_USER_SYNC abCdE");
    CHECK(*format_line(UserIp{"@a:h", "tok", "::1", std::nullopt, "D", 7}) ==
          R"(USER_IP @a:h ["tok", "::1", null, "D", 7])");
    CHECK(*format_line(Position{"events", "master", std::nullopt, 7}) == "POSITION events master 7");
    CHECK(*format_line(Position{"events", "master", 5, 7}) == "POSITION events master 5 7");
}

TEST_CASE("both spellings of CLEAR_USER_SYNCS are understood", "[replication][commands]") {
    CHECK((*parse_line("CLEAR_USER_SYNC x") == Command{ClearUserSyncs{"x"}}));
    CHECK((*parse_line("CLEAR_USER_SYNCS x") == Command{ClearUserSyncs{"x"}}));
}

TEST_CASE("a command may stand alone on its line", "[replication][commands]") {
    CHECK((*parse_line("REPLICATE") == Command{Replicate{}}));
    CHECK((*parse_line("PING") == Command{Ping{""}}));
}

TEST_CASE("REPLICATE ignores what it does not know", "[replication][commands]") {
    CHECK((*parse_line("REPLICATE ALL NOW") == Command{Replicate{}}));
    CHECK(((*parse_line("REPLICATE events 1") == Command{Replicate{}})));
    CHECK(*parse_line("REPLICATE streams=,events,,x") == (Command{Replicate{{"events", "x"}}}));
}

TEST_CASE("a carriage return stays in names and is tolerated behind integers", "[replication][commands]") {
    CHECK(((*parse_line("NAME crlf\r") == Command{Name{"crlf\r"}})));
    CHECK(*parse_line("POSITION events master 7\r") ==
          (Command{Position{"events", "master", std::nullopt, 7}}));
    CHECK(parse_failure("REPLICATE\r") ==
          R"(failed to parse line: KeyError('REPLICATE\r') ('REPLICATE\r'):)");
}

TEST_CASE("what cannot be parsed is answered as the reference implementation does",
          "[replication][commands]") {
    CHECK(parse_failure("FOO bar") == "failed to parse line: KeyError('FOO') ('FOO bar'):");
    CHECK(parse_failure("USER_SYNC onlyone") ==
          "failed to parse line: ValueError('not enough values to unpack (expected 4, got 1)') "
          "('USER_SYNC onlyone'):");
    CHECK(parse_failure("FEDERATION_ACK abc") ==
          "failed to parse line: ValueError(\"invalid literal for int() with base 10: 'abc'\") "
          "('FEDERATION_ACK abc'):");
    CHECK(parse_failure("USER_SYNC i @u:h begin 5").starts_with("failed to parse line: Exception("));
    CHECK(parse_failure("RDATA events master x []").starts_with("failed to parse line: ValueError("));
    CHECK(parse_failure("USER_IP @u:h [1, 2]").starts_with("failed to parse line: ValueError("));
    CHECK(parse_failure("USER_IP @u:h {").starts_with("failed to parse line: JSONDecodeError("));
}

TEST_CASE("an error answer always fits a line", "[replication][commands]") {
    const std::string line = "X" + std::string(kLineBytesMax - 1, '\x01');

    const auto text = parse_failure(line);

    CHECK(format_line(Error{text}).has_value());
}

TEST_CASE("a line may have 16384 bytes and no more", "[replication][commands]") {
    const std::string prefix = "RDATA events master 1 ";
    const std::string fits(kLineBytesMax - prefix.size(), '1');

    CHECK(format_line(Rdata{"events", "master", 1, fits})->size() == kLineBytesMax);
    CHECK(!format_line(Rdata{"events", "master", 1, fits + "1"}));
    CHECK(!format_line(Name{"two\nlines"}));
}

TEST_CASE("integers beyond 64 bits are refused", "[replication][commands]") {
    CHECK(parse_line("FEDERATION_ACK 9223372036854775807").has_value());
    CHECK(!parse_line("FEDERATION_ACK 9223372036854775808"));
    CHECK(!parse_line("FEDERATION_ACK "));
}

TEST_CASE("HTTP is recognised by its first line", "[replication][commands]") {
    CHECK(looks_like_http("GET / HTTP/1.1\r"));
    CHECK(looks_like_http("HTTP/1.1 400 Bad Request\r"));
    CHECK(!looks_like_http("PING 1"));
}
