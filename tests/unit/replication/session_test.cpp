#include "weft/replication/session.hpp"

#include <catch2/catch.hpp>

using namespace weft::replication;
namespace pr = weft::proto::replication;

namespace {

Session make(SessionRole role) {
    Session::Options options;
    options.role = role;
    options.server_name = "example.com";
    options.instance_name = "synchrotron1";
    return Session{options};
}

std::vector<std::string> sent(const SessionActions& actions) {
    std::vector<std::string> lines;
    for (const auto& action : actions) {
        if (const auto* line = std::get_if<SendLine>(&action)) lines.push_back(line->line);
    }
    return lines;
}

std::optional<CloseSession> closed(const SessionActions& actions) {
    for (const auto& action : actions) {
        if (const auto* close = std::get_if<CloseSession>(&action)) return *close;
    }
    return std::nullopt;
}

std::optional<pr::Command> delivered(const SessionActions& actions) {
    for (const auto& action : actions) {
        if (const auto* deliver = std::get_if<Deliver>(&action)) return deliver->command;
    }
    return std::nullopt;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("the server says who it is first", "[replication][session]") {
    auto session = make(SessionRole::kServer);

    CHECK(sent(session.on_open(0, 1590)) == Lines{"SERVER example.com", "PING 1590"});
}

TEST_CASE("the client says its name first", "[replication][session]") {
    auto session = make(SessionRole::kClient);

    CHECK(sent(session.on_open(0, 1590)) == Lines{"NAME synchrotron1", "PING 1590"});
}

TEST_CASE("a worker refuses a master of another server", "[replication][session]") {
    auto session = make(SessionRole::kClient);
    session.on_open(0, 0);

    const auto actions = session.on_line("SERVER other.org", 1);

    CHECK(sent(actions) == Lines{"ERROR Wrong remote"});
    REQUIRE(closed(actions));
    CHECK(closed(actions)->reason == CloseReason::kWrongServer);
    CHECK(closed(actions)->explanation.find("other.org") != std::string::npos);
    CHECK(!session.server_confirmed());
}

TEST_CASE("a worker accepts its own master", "[replication][session]") {
    auto session = make(SessionRole::kClient);
    session.on_open(0, 0);

    CHECK(session.on_line("SERVER example.com", 1).empty());

    CHECK(session.server_confirmed());
}

TEST_CASE("what the other end may not say closes the connection", "[replication][session]") {
    const auto check = [](SessionRole role, const char* line, const char* answer, CloseReason reason) {
        CAPTURE(line);
        auto session = make(role);
        session.on_open(0, 0);
        const auto actions = session.on_line(line, 1);
        CHECK(sent(actions) == Lines{answer});
        REQUIRE(closed(actions));
        CHECK(closed(actions)->reason == reason);
        CHECK(session.on_line("PING 1", 2).empty());  // the rest of the packet is void
    };
    check(SessionRole::kServer, "SERVER example.com", "ERROR invalid command: SERVER",
          CloseReason::kInvalidCommand);
    check(SessionRole::kClient, "USER_SYNC i @u:h start 1", "ERROR invalid command: USER_SYNC",
          CloseReason::kInvalidCommand);
    check(SessionRole::kClient, "REPLICATE ", "ERROR invalid command: REPLICATE",
          CloseReason::kInvalidCommand);
    check(SessionRole::kServer, "FOO bar",
          "ERROR failed to parse line: KeyError('FOO') ('FOO bar'):", CloseReason::kParseError);
    check(SessionRole::kServer, "REPLICATE\r",
          "ERROR failed to parse line: KeyError('REPLICATE\\r') ('REPLICATE\\r'):", CloseReason::kParseError);
}

TEST_CASE("a worker may announce rows", "[replication][session]") {
    auto session = make(SessionRole::kServer);
    session.on_open(0, 0);

    CHECK(delivered(session.on_line("RDATA events p1 5 [\"ev\", []]", 1)));
    CHECK(delivered(session.on_line("POSITION events p1 5", 1)));
}

TEST_CASE("blank lines are ignored", "[replication][session]") {
    auto session = make(SessionRole::kServer);
    session.on_open(0, 0);

    CHECK(session.on_line("", 1).empty());
    CHECK(session.on_line("\r", 1).empty());
    CHECK(!session.closing());
}

TEST_CASE("a line that is not UTF-8 closes without an answer", "[replication][session]") {
    auto session = make(SessionRole::kServer);
    session.on_open(0, 0);

    const auto actions = session.on_line("NAME \xff\xfe", 1);

    CHECK(sent(actions).empty());
    REQUIRE(closed(actions));
    CHECK(closed(actions)->reason == CloseReason::kInvalidUtf8);
}

TEST_CASE("too long a line is refused", "[replication][session]") {
    auto session = make(SessionRole::kServer);
    session.on_open(0, 0);

    const auto actions = session.on_line_too_long();

    CHECK(sent(actions) == Lines{"ERROR Line length exceeded"});
    CHECK(closed(actions)->reason == CloseReason::kLineTooLong);
}

TEST_CASE("HTTP on the replication port is explained", "[replication][session]") {
    auto server = make(SessionRole::kServer);
    server.on_open(0, 0);
    const auto at_server = server.on_line("GET /_synapse/replication/x HTTP/1.1\r", 1);
    REQUIRE(closed(at_server));
    CHECK(closed(at_server)->explanation.find("HTTP") != std::string::npos);

    auto client = make(SessionRole::kClient);
    client.on_open(0, 0);
    const auto at_client = client.on_line("HTTP/1.1 400 Bad Request\r", 1);
    REQUIRE(closed(at_client));
    CHECK(closed(at_client)->explanation.find("worker_replication_port") != std::string::npos);
}

TEST_CASE("an ERROR of the peer is passed on and closes nothing", "[replication][session]") {
    auto session = make(SessionRole::kServer);
    session.on_open(0, 0);

    const auto actions = session.on_line("ERROR something went wrong", 1);

    CHECK(delivered(actions));
    CHECK(!session.closing());
}

TEST_CASE("a PING goes out when nothing else did for five seconds", "[replication][session]") {
    auto session = make(SessionRole::kServer);
    session.on_open(0, 0);

    CHECK(sent(session.on_tick(4'999, 1)).empty());
    CHECK(sent(session.on_tick(5'000, 77)) == Lines{"PING 77"});
    session.on_sent(5'000);
    CHECK(sent(session.on_tick(9'000, 1)).empty());
}

TEST_CASE("a peer that never pings is never timed out", "[replication][session]") {
    auto session = make(SessionRole::kServer);
    session.on_open(0, 0);

    const auto actions = session.on_tick(3'600'000, 1);

    CHECK(sent(actions) == Lines{"PING 1"});
    CHECK(!closed(actions));
}

TEST_CASE("a peer that pings is timed out after 25 seconds of silence", "[replication][session]") {
    auto session = make(SessionRole::kServer);
    session.on_open(0, 0);
    session.on_line("PING 1", 1'000);
    session.on_sent(26'000);

    CHECK(!closed(session.on_tick(26'000, 1)));
    const auto actions = session.on_tick(26'001, 1);

    CHECK(sent(actions) == Lines{"ERROR ping timeout"});
    REQUIRE(closed(actions));
    CHECK(closed(actions)->reason == CloseReason::kPingTimeout);
}

TEST_CASE("any command is a sign of life, an unknown one is not", "[replication][session]") {
    auto session = make(SessionRole::kServer);
    session.on_open(0, 0);
    session.on_line("PING 1", 0);
    session.on_sent(30'000);

    session.on_line("REPLICATE", 20'000);

    CHECK(!closed(session.on_tick(30'000, 1)));
}

TEST_CASE("a peer that does not close when told to is cut off", "[replication][session]") {
    auto session = make(SessionRole::kServer);
    session.on_open(0, 0);
    session.on_line("FOO", 1'000);

    CHECK(session.on_tick(26'000, 1).empty());
    const auto actions = session.on_tick(26'001, 1);

    REQUIRE(actions.size() == 1);
    CHECK(std::holds_alternative<AbortSession>(actions.front()));
}
