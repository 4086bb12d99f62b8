// Server and client over real loopback sockets.
#include <fstream>

#include <catch2/catch.hpp>

#include <unistd.h>

#include "harness.hpp"
#include "raw_peer.hpp"
#include "weft/core/metrics.hpp"
#include "weft/replication/tcp_client.hpp"
#include "weft/replication/tcp_server.hpp"

using namespace weft;
using namespace weft::replication;
using namespace weft::replication::testing;
namespace pr = weft::proto::replication;
using asio::ip::tcp;

namespace {

const std::vector<std::string> kStreamNames = [] {
    std::vector<std::string> names;
    for (const auto& stream : pr::kStreams) names.emplace_back(stream.name);
    return names;
}();

LinkLimits short_linger() {
    LinkLimits limits;
    limits.linger_ms = 20;
    return limits;
}

struct Master {
    Master(asio::io_context& io, FakeDatabase& database, core::ListenerConfig listener = {},
           LinkLimits limits = short_linger(), RelayLog::Options log = {})
        : fake{database, "master"},
          handler{io.get_executor(), clock,
                  [&] {
                      auto options = handler_options("master");
                      options.log = log;
                      return options;
                  }()},
          server{io.get_executor(), handler, "example.com", std::move(listener), limits} {}

    void add(const std::string& stream, std::vector<std::string> writers = {"master"}) {
        handler.add_stream(fake.stream(stream, std::move(writers)));
    }
    Task<void> stop() {
        co_await server.stop(20);
        co_await handler.stop();
    }

    core::SystemClock clock;
    FakeProcess fake;
    ReplicationCommandHandler handler;
    TcpServer server;
};

struct Worker {
    Worker(asio::io_context& io, FakeDatabase& database, const std::string& name,
           core::InstanceAddress address, const std::string& server_name = "example.com")
        : fake{database, name},
          handler{io.get_executor(), clock, handler_options(name)},
          client{io.get_executor(), handler, [&] {
                     TcpClient::Options options;
                     options.server_name = server_name;
                     options.address = std::move(address);
                     options.backoff.min_ms = 5;
                     options.backoff.max_ms = 50;
                     return options;
                 }()} {}

    void add(const std::string& stream, std::vector<std::string> writers = {"master"}) {
        handler.add_stream(fake.stream(stream, std::move(writers)));
    }
    Task<void> up() {
        co_await until([this] { return client.state() == ClientState::kUp; });
    }
    Task<void> stop() {
        co_await client.stop(1'000);
        co_await handler.stop();
    }

    core::SystemClock clock;
    FakeProcess fake;
    ReplicationCommandHandler handler;
    TcpClient client;
};

core::InstanceAddress loopback(std::uint16_t port) {
    return {"127.0.0.1", port, ""};
}

}  // namespace

TEST_CASE("a worker catches up from the database and then follows live rows", "[replication][tcp]") {
    asio::io_context io;
    FakeDatabase database;
    Master master{io, database};
    master.add("events");
    master.add("typing");
    for (int i = 1; i <= 2'500; ++i) database.write({"events", "master"}, i, i);
    master.fake.positions[{"events", "master"}] = 2'500;

    run(io, [&]() -> Task<void> {
        master.server.start();
        Worker worker{io, database, "synchrotron1", loopback(master.server.port())};
        worker.add("events");
        worker.add("typing");
        CHECK(worker.client.state() == ClientState::kConnecting);
        worker.client.start();
        co_await worker.up();
        CHECK(worker.fake.applied[{"events", "master"}].size() == 2'500);

        master.fake.write(master.handler, "events", 2'501, {1, 2, 3});
        CHECK(co_await worker.handler.wait_for_stream_position({"events", "master"}, 2'501, 5s));
        CHECK(worker.fake.applied[{"events", "master"}].size() == 2'503);

        master.handler.publish("events", 2'600, {});  // a position that advances without rows
        CHECK(co_await worker.handler.wait_for_stream_position({"events", "master"}, 2'600, 5s));
        co_await worker.stop();
        co_await master.stop();
    });
}

TEST_CASE("rows written while a worker was away arrive once, in order", "[replication][tcp]") {
    asio::io_context io;
    FakeDatabase database;
    auto master = std::make_unique<Master>(io, database);
    master->add("events");

    run(io, [&]() -> Task<void> {
        master->server.start();
        const auto port = master->server.port();
        Worker worker{io, database, "synchrotron1", loopback(port)};
        worker.add("events");
        worker.client.start();
        co_await worker.up();
        std::int64_t token = 0;
        for (int round = 0; round < 5; ++round) {
            for (int i = 0; i < 20; ++i) {
                ++token;
                master->fake.write(master->handler, "events", token, {static_cast<int>(token)});
            }
            co_await master->stop();
            co_await until([&] { return worker.client.state() == ClientState::kConnecting; });
            ++token;
            database.write({"events", "master"}, token, static_cast<int>(token));
            core::ListenerConfig same_port;
            same_port.port = port;
            master = std::make_unique<Master>(io, database, same_port);
            master->add("events");
            master->fake.positions[{"events", "master"}] = token;
            master->server.start();
            co_await worker.up();
        }
        const auto& applied = worker.fake.applied[{"events", "master"}];
        CHECK(applied.size() == static_cast<std::size_t>(token));
        for (std::size_t i = 0; i < applied.size(); ++i) {
            CHECK(applied[i].first == static_cast<std::int64_t>(i + 1));
        }
        CHECK(worker.client.connections_made() >= 6);
        co_await worker.stop();
        co_await master->stop();
    });
}

TEST_CASE("rows of a writing worker reach the master and all other workers, not itself",
          "[replication][tcp]") {
    asio::io_context io;
    FakeDatabase database;
    Master master{io, database};
    master.add("events", {"p1"});

    run(io, [&]() -> Task<void> {
        master.server.start();
        Worker writer{io, database, "p1", loopback(master.server.port())};
        Worker reader{io, database, "synchrotron1", loopback(master.server.port())};
        writer.add("events", {"p1"});
        reader.add("events", {"p1"});
        writer.client.start();
        reader.client.start();
        co_await reader.up();
        co_await writer.up();

        for (int i = 1; i <= 100; ++i) writer.fake.write(writer.handler, "events", i, {i, i + 1'000});

        CHECK(co_await reader.handler.wait_for_stream_position({"events", "p1"}, 100, 5s));
        CHECK(co_await master.handler.wait_for_stream_position({"events", "p1"}, 100, 5s));
        CHECK(reader.fake.applied[{"events", "p1"}].size() == 200);
        CHECK(reader.fake.applied[{"events", "p1"}].front() == std::pair<std::int64_t, std::int64_t>{1, 1});
        CHECK(writer.fake.applied.empty());
        CHECK(reader.fake.fetches == 0);
        co_await writer.stop();
        co_await reader.stop();
        co_await master.stop();
    });
}

TEST_CASE("a worker over a unix socket works the same", "[replication][tcp]") {
    asio::io_context io;
    FakeDatabase database;
    core::ListenerConfig listener;
    listener.path = fmt::format("/tmp/weft_replication_test_{}.sock", ::getpid());
    Master master{io, database, listener};
    master.add("events");

    run(io, [&]() -> Task<void> {
        master.server.start();
        Worker worker{io, database, "synchrotron1", {"", 0, listener.path}};
        worker.add("events");
        worker.client.start();
        co_await worker.up();
        master.fake.write(master.handler, "events", 1, {1});
        CHECK(co_await worker.handler.wait_for_stream_position({"events", "master"}, 1, 5s));
        co_await worker.stop();
        co_await master.stop();
    });
    CHECK(!std::ifstream{listener.path});
}

TEST_CASE("a worker of another server is turned away and does not spin", "[replication][tcp]") {
    asio::io_context io;
    FakeDatabase database;
    Master master{io, database};
    master.add("events");

    run(io, [&]() -> Task<void> {
        master.server.start();
        Worker worker{io, database, "synchrotron1", loopback(master.server.port()), "other.org"};
        worker.add("events");
        const auto started = std::chrono::steady_clock::now();
        worker.client.start();
        co_await until([&] { return worker.client.connections_made() >= 6; });

        // 5, 13, 36, 50, 50 ms less the jitter: the backoff grew although each connection stood.
        CHECK(std::chrono::steady_clock::now() - started > 100ms);
        co_await until([&] { return worker.client.state() == ClientState::kConnecting; });
        CHECK(worker.client.last_error().find("other.org") != std::string::npos);
        co_await worker.stop();
        co_await master.stop();
    });
}

TEST_CASE("a worker whose subscription or rows end the connection does not spin", "[replication][tcp]") {
    const auto last_words =
        GENERATE(as<std::string>{}, "", "POSITION events master nonsense\n", "FOO\n", "ERROR go away\n",
                 "RDATA events master 1 [\"" + std::string(20'000, 'x') + "\"]\n");
    asio::io_context io;
    FakeDatabase database;
    run(io, [&]() -> Task<void> {
        tcp::acceptor acceptor{io, {asio::ip::address_v4::loopback(), 0}};
        Worker worker{io, database, "synchrotron1", loopback(acceptor.local_endpoint().port())};
        worker.add("events");
        const auto started = std::chrono::steady_clock::now();
        worker.client.start();
        for (int connection = 0; connection < 6; ++connection) {
            RawPeer master{co_await acceptor.async_accept(asio::use_awaitable)};
            co_await master.say("SERVER example.com\n");
            while (const auto line = co_await master.line()) {
                if (!line->starts_with("REPLICATE")) continue;
                if (!last_words.empty()) co_await master.say(last_words);
                break;
            }
        }
        CHECK(std::chrono::steady_clock::now() - started > 100ms);
        co_await worker.stop();
    });
}

TEST_CASE("a worker that stops says CLEAR_USER_SYNCS before it closes", "[replication][tcp]") {
    asio::io_context io;
    FakeDatabase database;
    Master master{io, database};
    std::vector<std::string> calls;
    CommandHooks hooks;
    hooks.user_sync = [&](pr::UserSync c, bool) -> Task<void> {
        calls.push_back("sync " + c.user_id);
        co_return;
    };
    hooks.clear_user_syncs = [&](std::string id) -> Task<void> {
        calls.push_back("clear " + id);
        co_return;
    };
    hooks.user_sync_source_lost = [&](std::string id) -> Task<void> {
        calls.push_back("lost " + id);
        co_return;
    };
    master.handler.set_hooks(std::move(hooks));

    run(io, [&]() -> Task<void> {
        master.server.start();
        Worker worker{io, database, "synchrotron1", loopback(master.server.port())};
        worker.client.start();
        co_await worker.up();
        worker.handler.send_user_sync("@alice:example.com", true, 1);
        co_await worker.stop();
        co_await until([&] { return master.server.connections() == 0 && calls.size() == 2; });
        co_await master.stop();
    });

    CHECK(calls == std::vector<std::string>{"sync @alice:example.com", "clear id_synchrotron1"});
}

TEST_CASE("the handshake is that of a real master", "[replication][tcp][golden]") {
    asio::io_context io;
    FakeDatabase database;
    Master master{io, database};
    for (const auto& name : kStreamNames) master.add(name);

    run(io, [&]() -> Task<void> {
        master.server.start();
        RawPeer peer{io, master.server.port()};
        CHECK(co_await peer.line() == "SERVER example.com");
        CHECK((co_await peer.line()).value_or("").starts_with("PING "));
        for (const char* replicate :
             {"NAME golden\nPING 1\nREPLICATE\n", "REPLICATE \n", "\n\r\nREPLICATE events 1\n"}) {
            co_await peer.say(replicate);
            for (const auto& name : kStreamNames) {
                CHECK(co_await peer.content() == "POSITION " + name + " master 0");
            }
        }
        co_await master.stop();
        CHECK(!co_await peer.content());
    });
}

TEST_CASE("what a connection must not say is answered and closes it", "[replication][tcp][golden]") {
    struct Case {
        std::string said;
        std::optional<std::string> answer;
    };
    const std::vector<Case> cases{
        {"FOO bar\n", "ERROR failed to parse line: KeyError('FOO') ('FOO bar'):"},
        {"SERVER localhost:8800\n", "ERROR invalid command: SERVER"},
        {"USER_SYNC onlyone\n",
         "ERROR failed to parse line: ValueError('not enough values to unpack (expected 4, got 1)') "
         "('USER_SYNC onlyone'):"},
        {"FEDERATION_ACK abc\n",
         "ERROR failed to parse line: ValueError(\"invalid literal for int() with base 10: 'abc'\") "
         "('FEDERATION_ACK abc'):"},
        {"NAME " + std::string(20'000, 'x') + "\n", "ERROR Line length exceeded"},
        {std::string(16'385, 'x'), "ERROR Line length exceeded"},
        {"NAME \xff\xfe\n", std::nullopt},
        {"NAME crlf\r\nREPLICATE\r\n",
         "ERROR failed to parse line: KeyError('REPLICATE\\r') ('REPLICATE\\r'):"},
        {"RDATA events p1 5 [oops\n", std::nullopt},
    };
    for (const auto& one : cases) {
        CAPTURE(one.said.substr(0, 80));
        asio::io_context io;
        FakeDatabase database;
        Master master{io, database};
        master.add("events", {"p1"});
        run(io, [&]() -> Task<void> {
            master.server.start();
            RawPeer peer{io, master.server.port()};
            CHECK(co_await peer.content() == "SERVER example.com");
            co_await peer.say("NAME golden\nPING 1\n");
            co_await peer.say(one.said + std::string(one.said.ends_with('\n') ? "FOO again\n" : ""));
            auto answer = co_await peer.content();
            if (one.answer) {
                CHECK(answer == one.answer);
                answer = co_await peer.content();
            }
            if (answer) {
                CHECK(answer->starts_with("ERROR failed to parse line: JSONDecodeError("));
                answer = co_await peer.content();
            }
            CHECK(!answer);
            co_await until([&] { return master.server.connections() == 0 || !peer.socket().is_open(); });
            boost::system::error_code ignored;
            peer.socket().close(ignored);
            co_await master.stop();
        });
    }
}

TEST_CASE("a line of exactly 16384 bytes passes", "[replication][tcp]") {
    asio::io_context io;
    FakeDatabase database;
    Master master{io, database};
    master.add("events");

    run(io, [&]() -> Task<void> {
        master.server.start();
        RawPeer peer{io, master.server.port()};
        CHECK(co_await peer.content() == "SERVER example.com");
        co_await peer.say("NAME " + std::string(pr::kLineBytesMax - 5, 'x') + "\nREPLICATE\n");
        CHECK(co_await peer.content() == "POSITION events master 0");
        co_await master.stop();
    });
}

TEST_CASE("a peer that pings and falls silent is timed out, one that never pings is not",
          "[replication][tcp]") {
    asio::io_context io;
    FakeDatabase database;
    auto limits = short_linger();
    limits.ping_interval_ms = 10;
    limits.ping_timeout_ms = 60;
    Master master{io, database, {}, limits};

    run(io, [&]() -> Task<void> {
        master.server.start();
        RawPeer silent{io, master.server.port()};
        RawPeer pinging{io, master.server.port()};
        co_await pinging.say("PING 1\n");
        CHECK(co_await pinging.content() == "SERVER example.com");
        CHECK(co_await pinging.content() == "ERROR ping timeout");
        CHECK(!co_await pinging.content());

        CHECK(co_await silent.content() == "SERVER example.com");
        for (int i = 0; i < 10; ++i) CHECK((co_await silent.line()).value_or("").starts_with("PING "));
        co_await master.stop();
    });
}

TEST_CASE("a connection that reads too slowly gets positions instead of rows, and no other is delayed",
          "[replication][tcp]") {
    asio::io_context io;
    FakeDatabase database;
    RelayLog::Options log;
    log.bytes_max = 64 * 1024;
    Master master{io, database, {}, short_linger(), log};
    master.add("events");
    master.add("receipts");

    run(io, [&]() -> Task<void> {
        master.server.start();
        RawPeer slow{io, master.server.port()};
        CHECK(co_await slow.content() == "SERVER example.com");
        Worker quick{io, database, "synchrotron1", loopback(master.server.port())};
        quick.add("events");
        quick.add("receipts");
        quick.client.start();
        co_await quick.up();

        // More than socket buffers and log hold together, in steps that the quick one follows.
        const json::array wide{1, std::string(8'000, 'x')};
        std::int64_t token = 0;
        for (int step = 0; step < 400; ++step) {
            for (int i = 0; i < 5; ++i) {
                ++token;
                master.fake.positions[{"events", "master"}] = token;
                master.handler.publish("events", token, {wide});
            }
            CHECK(co_await quick.handler.wait_for_stream_position({"events", "master"}, token, 5s));
        }
        CHECK(quick.fake.applied[{"events", "master"}].size() == static_cast<std::size_t>(token));
        CHECK(quick.fake.fetches == 0);

        // The slow one reads now: rows from the start, without a gap, then one POSITION that covers what was
        // dropped.
        std::int64_t seen = 0;
        bool resynced = false;
        while (seen < token) {
            const auto line = co_await slow.content();
            REQUIRE(line.has_value());
            auto command = pr::parse_line(*line);
            REQUIRE(command.has_value());
            if (const auto* rdata = std::get_if<pr::Rdata>(&*command)) {
                CHECK(rdata->token == seen + 1);
                ++seen;
            } else if (const auto* position = std::get_if<pr::Position>(&*command)) {
                CHECK(position->stream == "events");
                seen = position->token;
                resynced = true;
            }
        }
        CHECK(resynced);
        co_await quick.stop();
        co_await master.stop();
    });
}

TEST_CASE("a connection that does not read what is for it alone is told so, and ends", "[replication][tcp]") {
    asio::io_context io;
    FakeDatabase database;
    auto limits = short_linger();
    limits.private_bytes_max = 64 * 1024;
    limits.linger_ms = 5'000;
    Master master{io, database, {}, limits};
    for (const auto& name : kStreamNames) master.add(name);

    run(io, [&]() -> Task<void> {
        master.server.start();
        RawPeer idle{io, master.server.port()};
        CHECK(co_await idle.content() == "SERVER example.com");
        // Each is answered by a position of each stream.
        const auto closed =
            core::counter("synapse_replication_tcp_protocol_close_reason", "Connections closed", {{"reason_type", "too_slow"}});
        const auto closed_before = closed.value();
        std::string asking;
        for (int i = 0; i < 1'000; ++i) asking += "REPLICATE\n";
        while (closed.value() == closed_before) co_await idle.say(asking);

        std::string last;
        while (const auto line = co_await idle.line()) last = *line;
        CHECK(last == "ERROR Failed to keep up");
        co_await master.stop();
    });
}
