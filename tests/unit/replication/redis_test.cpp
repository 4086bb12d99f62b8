// Processes on a real Redis.
#include "weft/replication/redis_client.hpp"

#include <catch2/catch.hpp>

#include "harness.hpp"
#include "redis_server.hpp"

using namespace weft;
using namespace weft::replication;
using namespace weft::replication::testing;
using test::RedisServer;
namespace pr = weft::proto::replication;
using Unix = asio::local::stream_protocol;

namespace {

struct Limits {
    LinkLimits link;
    RelayLog::Options log;
    std::int64_t connect_timeout_ms = 10'000;
};

/// One process of the cluster.
struct Process {
    Process(asio::io_context& io, FakeDatabase& database, const core::RedisConfig& redis,
            const std::string& name, Limits limits = {})
        : fake{database, name},
          handler{io.get_executor(), clock,
                  [&] {
                      auto options = handler_options(name);
                      options.relays = false;
                      options.on_bus = true;
                      options.log = limits.log;
                      return options;
                  }()},
          client{io.get_executor(), handler, [&] {
                     RedisClient::Options options;
                     options.redis = redis;
                     options.channel = "example.com";
                     options.limits = limits.link;
                     options.backoff.min_ms = 5;
                     options.backoff.max_ms = 50;
                     options.connect_timeout_ms = limits.connect_timeout_ms;
                     return options;
                 }()} {}

    void add(const std::string& stream, std::vector<std::string> writers) {
        handler.add_stream(fake.stream(stream, std::move(writers)));
    }
    Task<void> up() {
        co_await until([this] { return client.state() == ClientState::kUp; });
    }
    Task<void> stop() {
        co_await client.stop(1'000);
        co_await handler.stop();
    }
    /// Writes row `token` of `stream`; the row is the token.
    void write(const std::string& stream, std::int64_t token) {
        fake.write(handler, stream, token, {static_cast<int>(token)});
    }
    Task<bool> has(const std::string& instance, std::int64_t token) {
        return handler.wait_for_stream_position({"events", instance}, token, 10s);
    }
    /// Every row of `events` by `instance` from 1 to `token`, each once and in order.
    bool has_each_once(const std::string& instance, std::int64_t token) {
        FakeProcess::Applied expected;
        for (std::int64_t i = 1; i <= token; ++i) expected.emplace_back(i, i);
        return fake.applied[{"events", instance}] == expected;
    }

    core::SystemClock clock;
    FakeProcess fake;
    ReplicationCommandHandler handler;
    RedisClient client;
};

/// Somebody else at Redis, who speaks its protocol by hand.
class Stranger {
public:
    Stranger(asio::io_context& io, const core::RedisConfig& redis) : socket_{io} {
        socket_.connect(Unix::endpoint{redis.path});
    }
    Task<void> say(std::string command) {
        command += "\r\n";
        co_await asio::async_write(socket_, asio::buffer(command), asio::use_awaitable);
    }
    /// Says a command and waits for the first line of its answer.
    Task<std::string> ask(std::string command) {
        co_await say(std::move(command));
        co_return (co_await line()).value_or("");
    }
    Task<void> subscribe() {
        co_await say("SUBSCRIBE example.com");
        for (int i = 0; i < 6; ++i) co_await line();  // *3, $9, subscribe, $11, example.com, :1
    }
    /// The next message on the channel.
    Task<std::string> message() {
        for (int i = 0; i < 5; ++i) co_await line();  // *3, $7, message, $11, example.com
        co_await line();                              // its length: ours have no line breaks
        co_return (co_await line()).value_or("");
    }
    /// The next line; nothing once Redis has closed the connection.
    Task<std::optional<std::string>> line() {
        boost::system::error_code error;
        const auto size = co_await asio::async_read_until(socket_, asio::dynamic_buffer(buffer_), "\r\n",
                                                          asio::redirect_error(asio::use_awaitable, error));
        if (error) co_return std::nullopt;
        auto text = buffer_.substr(0, size - 2);
        buffer_.erase(0, size);
        co_return text;
    }

private:
    Unix::socket socket_;
    std::string buffer_;
};

Limits quick_pings() {
    Limits limits;
    limits.link.ping_interval_ms = 10;
    limits.link.ping_timeout_ms = 200;
    limits.connect_timeout_ms = 200;
    return limits;
}

}  // namespace

TEST_CASE("what a process says on the channel: positions, REPLICATE, rows; nothing of a connection's own",
          "[replication][redis]") {
    asio::io_context io;
    RedisServer redis;
    FakeDatabase database;
    Process writer{io, database, redis.config(), "p1", quick_pings()};
    writer.add("events", {"p1"});
    writer.add("receipts", {"master"});

    run(io, [&]() -> Task<void> {
        Stranger listener{io, redis.config()};
        co_await listener.subscribe();
        writer.fake.positions[{"events", "p1"}] = 7;
        writer.client.start();
        CHECK(co_await listener.message() == "POSITION events p1 7");
        CHECK(co_await listener.message() == "REPLICATE ");
        co_await core::sleep_for(core::Milliseconds{50});  // several PINGs go to Redis meanwhile

        writer.fake.write(writer.handler, "events", 8, {1, 2});
        CHECK(co_await listener.message() == "RDATA events p1 batch [1]");
        CHECK(co_await listener.message() == "RDATA events p1 8 [2]");
        Stranger asking{io, redis.config()};
        CHECK(co_await asking.ask("PUBLISH example.com \"REPLICATE \"") == ":2");
        CHECK(co_await listener.message() == "REPLICATE ");
        CHECK(co_await listener.message() == "POSITION events p1 8");
        co_await writer.stop();
    });
}

TEST_CASE("on Redis everybody hears everybody, nobody relays, and nobody takes its own words for another's",
          "[replication][redis]") {
    asio::io_context io;
    RedisServer redis;
    FakeDatabase database;
    Process master{io, database, redis.config(), "master"};
    Process writer{io, database, redis.config(), "p1"};
    Process reader{io, database, redis.config(), "synchrotron1"};
    const std::vector<Process*> all{&master, &writer, &reader};
    for (auto* process : all) {
        process->add("events", {"p1"});
        process->add("receipts", {"master"});
    }
    int came_up = 0;
    CommandHooks hooks;
    hooks.remote_server_up = [&](std::string) -> Task<void> {
        ++came_up;
        co_return;
    };
    for (auto* process : all) process->handler.set_hooks(hooks);

    run(io, [&]() -> Task<void> {
        Stranger listener{io, redis.config()};
        for (auto* process : all) process->client.start();
        for (auto* process : all) co_await process->up();
        co_await listener.subscribe();
        for (int i = 1; i <= 500; ++i) writer.write("events", i);
        master.write("receipts", 1);
        CHECK(co_await master.has("p1", 500));
        CHECK(co_await reader.has("p1", 500));
        CHECK(co_await reader.handler.wait_for_stream_position({"receipts", "master"}, 1, 5s));
        CHECK(master.has_each_once("p1", 500));
        CHECK(reader.has_each_once("p1", 500));
        CHECK(reader.fake.fetches == 0);
        CHECK(writer.fake.applied.count({"events", "p1"}) == 0);
        int rows = 0;
        while (rows < 501) rows += (co_await listener.message()).starts_with("RDATA") ? 1 : 0;

        master.handler.announce_remote_server_up("other.org");
        CHECK(co_await listener.message() == "REMOTE_SERVER_UP other.org");
        co_await until([&] { return came_up == 3; });
        writer.write("events", 501);
        CHECK(co_await listener.message() == "RDATA events p1 501 [501]");
        CHECK(co_await master.has("p1", 501));
        CHECK(came_up == 3);
        for (auto* process : all) co_await process->stop();
    });
}

TEST_CASE("no row is lost, doubled or out of order when Redis dies again and again", "[replication][redis]") {
    asio::io_context io;
    RedisServer redis;
    FakeDatabase database;
    Process writer{io, database, redis.config(), "p1"};
    Process reader{io, database, redis.config(), "synchrotron1"};
    for (auto* process : {&writer, &reader}) process->add("events", {"p1"});

    run(io, [&]() -> Task<void> {
        writer.client.start();
        reader.client.start();
        co_await writer.up();
        co_await reader.up();
        std::int64_t token = 0;
        for (int round = 0; round < 5; ++round) {
            for (int i = 0; i < 200; ++i) writer.write("events", ++token);
            co_await core::sleep_for(core::Milliseconds{round});  // at another point of their way each time
            redis.kill();
            for (int i = 0; i < 50; ++i) writer.write("events", ++token);
            co_await until([&] { return reader.client.state() == ClientState::kConnecting; });
            redis.start();
            for (int i = 0; i < 50; ++i) writer.write("events", ++token);
            CHECK(co_await reader.has("p1", token));
            CHECK(reader.has_each_once("p1", token));
            co_await writer.up();
            co_await reader.up();
        }
        CHECK(reader.client.connections_made() >= 6);
        co_await writer.stop();
        co_await reader.stop();
    });
}

TEST_CASE("a Redis that does not read costs bounded memory, and a POSITION a stream when it reads again",
          "[replication][redis]") {
    asio::io_context io;
    RedisServer redis;
    FakeDatabase database;
    Limits limits;
    limits.log.bytes_max = 128 * 1024;
    Process writer{io, database, redis.config(), "p1", limits};
    Process reader{io, database, redis.config(), "synchrotron1"};
    for (auto* process : {&writer, &reader}) process->add("events", {"p1"});

    run(io, [&]() -> Task<void> {
        writer.client.start();
        reader.client.start();
        co_await writer.up();
        co_await reader.up();
        redis.freeze();
        std::int64_t token = 0;
        for (int step = 0; step < 100; ++step) {
            for (int i = 0; i < 500; ++i) writer.write("events", ++token);
            co_await core::sleep_for(core::Milliseconds{1});
            CHECK(writer.handler.log().bytes() <= 256 * 1024);
        }
        redis.thaw();
        CHECK(co_await reader.has("p1", token));
        CHECK(reader.has_each_once("p1", token));
        CHECK(reader.fake.fetches > 0);
        CHECK(writer.client.connections_made() == 1);
        co_await writer.stop();
        co_await reader.stop();
    });
}

TEST_CASE("a Redis that falls silent is noticed, and used again once it speaks", "[replication][redis]") {
    asio::io_context io;
    RedisServer redis;
    FakeDatabase database;
    Process writer{io, database, redis.config(), "p1", quick_pings()};
    Process reader{io, database, redis.config(), "synchrotron1", quick_pings()};
    for (auto* process : {&writer, &reader}) process->add("events", {"p1"});

    run(io, [&]() -> Task<void> {
        writer.client.start();
        reader.client.start();
        co_await writer.up();
        co_await reader.up();
        co_await core::sleep_for(
            core::Milliseconds{500});  // idle for longer than the timeout: PINGs are answered
        CHECK(reader.client.connections_made() == 1);

        redis.freeze();
        for (int i = 1; i <= 20; ++i) writer.write("events", i);
        co_await until([&] { return reader.client.state() == ClientState::kConnecting; });
        co_await until([&] { return writer.client.state() == ClientState::kConnecting; });
        CHECK_THAT(reader.client.last_error(), Catch::Contains("nothing was heard"));
        co_await until([&] { return reader.client.last_error().find("no answer") != std::string::npos; });
        for (int i = 21; i <= 40; ++i) writer.write("events", i);

        redis.thaw();
        CHECK(co_await reader.has("p1", 40));
        CHECK(reader.has_each_once("p1", 40));
        writer.write("events", 41);
        CHECK(co_await reader.has("p1", 41));
        co_await writer.stop();
        co_await reader.stop();
    });
}

TEST_CASE("what an earlier connection of the same process has left at Redis is cut off first",
          "[replication][redis]") {
    asio::io_context io;
    RedisServer redis;
    FakeDatabase database;
    Process writer{io, database, redis.config(), "p1"};
    writer.add("events", {"p1"});

    run(io, [&]() -> Task<void> {
        Stranger predecessor{io, redis.config()};
        CHECK(co_await predecessor.ask("CLIENT SETNAME weft:example.com:p1:publisher") == "+OK");
        Stranger bystander{io, redis.config()};
        CHECK(co_await bystander.ask("CLIENT SETNAME weft:example.com:p11:publisher") == "+OK");
        writer.client.start();
        co_await writer.up();
        CHECK(!co_await predecessor.line());
        CHECK(co_await bystander.ask("PING") == "+PONG");
        co_await writer.stop();
    });
}

TEST_CASE("Redis' password is given, and a wrong one is reported", "[replication][redis]") {
    asio::io_context io;
    RedisServer redis{"indigo"};
    FakeDatabase database;
    Process right{io, database, redis.config(), "p1"};
    auto config = redis.config();
    config.password = "crimson";
    Process wrong{io, database, config, "p2"};

    run(io, [&]() -> Task<void> {
        right.client.start();
        wrong.client.start();
        co_await right.up();
        co_await until([&] { return !wrong.client.last_error().empty(); });
        CHECK_THAT(wrong.client.last_error(), Catch::StartsWith("AUTH: WRONGPASS"));
        CHECK(wrong.client.connections_made() == 0);
        co_await right.stop();
        co_await wrong.stop();
    });
}

TEST_CASE("a row that cannot be read is fetched, other nonsense on the channel is passed over",
          "[replication][redis]") {
    asio::io_context io;
    RedisServer redis;
    FakeDatabase database;
    Process reader{io, database, redis.config(), "synchrotron1"};
    reader.add("events", {"p1"});

    run(io, [&]() -> Task<void> {
        Stranger writer{io, redis.config()};
        reader.client.start();
        co_await until([&] { return reader.client.state() == ClientState::kCatchingUp; });
        CHECK(co_await writer.ask("PUBLISH example.com \"POSITION events p1 0\"") == ":1");
        co_await reader.up();
        for (const char* nonsense : {"FOO bar", "NAME x", "SERVER other.org", "PING 1", "ERROR no", "",
                                     "\\xff\\xfe", "RDATA elsewhere p1 1 [1]"}) {
            CHECK(co_await writer.ask(fmt::format("PUBLISH example.com \"{}\"", nonsense)) == ":1");
        }
        database.write({"events", "p1"}, 1, 1);
        CHECK(co_await writer.ask("PUBLISH example.com \"RDATA events p1 1 [1]\"") == ":1");
        CHECK(co_await reader.has("p1", 1));
        CHECK(reader.client.connections_made() == 1);

        database.write({"events", "p1"}, 2, 2);
        database.write({"events", "p1"}, 3, 3);
        CHECK(co_await writer.ask("PUBLISH example.com \"RDATA events p1 2 [oops\"") == ":1");
        co_await until([&] { return reader.client.connections_made() == 2; });
        co_await until([&] { return reader.client.state() == ClientState::kCatchingUp; });
        CHECK(co_await writer.ask("PUBLISH example.com \"RDATA events p1 3 [3]\"") == ":1");
        CHECK(co_await writer.ask("PUBLISH example.com \"POSITION events p1 3\"") == ":1");
        CHECK(co_await reader.has("p1", 3));
        CHECK(reader.has_each_once("p1", 3));
        co_await reader.stop();
    });
}

TEST_CASE("who syncs where is told anew to whoever comes back, and taken back in full",
          "[replication][redis]") {
    asio::io_context io;
    RedisServer redis;
    FakeDatabase database;
    Process master{io, database, redis.config(), "master"};
    Process worker{io, database, redis.config(), "synchrotron1"};
    std::vector<std::string> calls;
    CommandHooks hooks;
    hooks.user_sync = [&](pr::UserSync c, bool first) -> Task<void> {
        calls.push_back(
            fmt::format("{} {}{}", c.is_syncing ? "start" : "end", c.user_id, first ? " first" : ""));
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
    hooks.currently_syncing = [] { return std::vector<std::string>{"@master:example.com"}; };
    master.handler.set_hooks(std::move(hooks));
    CommandHooks worker_hooks;
    worker_hooks.currently_syncing = [] { return std::vector<std::string>{"@alice:example.com"}; };
    worker.handler.set_hooks(std::move(worker_hooks));

    run(io, [&]() -> Task<void> {
        master.client.start();
        co_await master.up();
        worker.client.start();
        co_await until([&] { return calls.size() == 1; });
        CHECK(calls[0] == "start @alice:example.com first");

        calls.clear();
        redis.kill();
        co_await until([&] { return calls.size() == 1; });
        CHECK(calls[0] == "lost id_synchrotron1");
        redis.start();
        co_await until([&] {
            return std::find(calls.begin(), calls.end(), "start @alice:example.com first") != calls.end();
        });

        calls.clear();
        co_await worker.stop();
        co_await until([&] { return !calls.empty() && calls.back() == "clear id_synchrotron1"; });
        for (const auto& call : calls) CHECK(call.find("@master") == std::string::npos);
        co_await master.stop();
    });
}
