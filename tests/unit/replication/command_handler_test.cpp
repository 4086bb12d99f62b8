#include "weft/replication/command_handler.hpp"

#include <catch2/catch.hpp>

#include "harness.hpp"

using namespace weft;
using namespace weft::replication;
using namespace weft::replication::testing;
namespace pr = weft::proto::replication;

namespace {

/// A connection without a socket: what it is given stays here.
struct FakeLink final : Link {
    FakeLink(ReplicationCommandHandler& handler, std::string name)
        : id_{handler.new_link_id()}, name_{std::move(name)}, cursor{handler.log(), id_} {}
    LinkId id() const override { return id_; }
    std::string peer_name() const override { return name_; }
    void send_line(std::string line) override { lines.push_back(std::move(line)); }
    void wake() override {}
    void subscribe(std::set<std::string> streams) override { cursor.subscribe(std::move(streams)); }
    void on_caught_up() override { was_up = true; }

    /// What the shared log has for it.
    std::vector<std::string> relayed() {
        RelayCursor::Gathered gathered;
        cursor.gather(1 << 20, gathered);
        std::string text;
        for (const auto piece : gathered.pieces) text += piece;
        std::vector<std::string> out;
        for (std::size_t at = 0; at < text.size();) {
            const auto end = text.find('\n', at);
            out.push_back(text.substr(at, end - at));
            at = end + 1;
        }
        return out;
    }

    LinkId id_;
    std::string name_;
    RelayCursor cursor;
    std::vector<std::string> lines;
    bool was_up = false;
};

struct Process {
    explicit Process(const std::string& name, FakeDatabase& database, asio::io_context& io,
                     ReplicationCommandHandler::Options options)
        : fake{database, name}, handler{io.get_executor(), clock, std::move(options)} {}
    Process(const std::string& name, FakeDatabase& database, asio::io_context& io)
        : Process{name, database, io, handler_options(name)} {}

    std::shared_ptr<FakeLink> connect(const std::string& peer, bool is_client = false) {
        auto link = std::make_shared<FakeLink>(handler, peer);
        handler.link_opened(link, is_client);
        return link;
    }
    void receive(const std::shared_ptr<FakeLink>& link, const std::string& line) {
        auto command = pr::parse_line(line);
        REQUIRE(command.has_value());
        REQUIRE(handler.on_command(link->id(), std::move(*command), line).has_value());
    }

    core::SystemClock clock;
    FakeProcess fake;
    ReplicationCommandHandler handler;
};

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("REPLICATE is answered to the requester alone, in the order of the table",
          "[replication][handler]") {
    asio::io_context io;
    FakeDatabase database;
    Process master{"master", database, io};
    for (const char* name : {"typing", "events", "caches"}) {
        master.handler.add_stream(master.fake.stream(name, {"master"}));
    }
    master.fake.positions[{"events", "master"}] = 57;
    const auto asking = master.connect("synchrotron1");
    const auto other = master.connect("synchrotron2");

    master.receive(asking, "REPLICATE ");

    CHECK(asking->lines ==
          Lines{"POSITION events master 57", "POSITION typing master 0", "POSITION caches master 0"});
    CHECK(other->lines.empty());
    CHECK(other->relayed().empty());
}

TEST_CASE("the master answers for other writers that it has heard, and not to the writer itself",
          "[replication][handler]") {
    asio::io_context io;
    FakeDatabase database;
    Process master{"master", database, io};
    master.handler.add_stream(master.fake.stream("events", {"p1", "p2"}));
    master.fake.positions[{"events", "p1"}] = 5;
    const auto p2 = master.connect("p2");
    const auto reader = master.connect("synchrotron1");

    master.receive(p2, "POSITION events p2 9");
    master.receive(reader, "REPLICATE");
    master.receive(p2, "REPLICATE");

    // Of p1 it knows only what is in the database, which may be ahead of a token that p1 has not finished.
    CHECK(reader->lines == Lines{"POSITION events p2 9"});
    CHECK(p2->lines.empty());

    const auto p1 = master.connect("p1");
    master.receive(p1, "POSITION events p1 5");
    reader->lines.clear();
    p2->lines.clear();
    master.receive(reader, "REPLICATE");
    master.receive(p2, "REPLICATE");

    CHECK(reader->lines == Lines{"POSITION events p1 5", "POSITION events p2 9"});
    CHECK(p2->lines == Lines{"POSITION events p1 5"});
}

TEST_CASE("the master answers what it has relayed, even before it has applied it", "[replication][handler]") {
    asio::io_context io;
    FakeDatabase database;
    Process master{"master", database, io};
    master.handler.add_stream(master.fake.stream("events", {"p1"}));
    master.fake.fetch_fails_with = "the database is away";
    const auto p1 = master.connect("p1");
    master.receive(p1, "POSITION events p1 3");
    master.receive(p1, "RDATA events p1 4 [4]");
    const auto late = master.connect("synchrotron1");

    master.receive(late, "REPLICATE");

    CHECK(master.fake.position({"events", "p1"}) == 0);
    CHECK(late->lines == Lines{"POSITION events p1 4"});
}

TEST_CASE("rows of a worker go unchanged to all others, whole tokens only", "[replication][handler]") {
    asio::io_context io;
    FakeDatabase database;
    Process master{"master", database, io};
    master.handler.add_stream(master.fake.stream("events", {"p1"}));
    const auto p1 = master.connect("p1");
    const auto reader = master.connect("synchrotron1");
    master.receive(p1, "POSITION events p1 0");
    CHECK(reader->relayed() == Lines{"POSITION events p1 0"});

    master.receive(p1, "RDATA events p1 batch [1,  {\"odd\":\"spelling\"}]");
    CHECK(reader->relayed().empty());
    master.receive(p1, "RDATA events p1 5 [2]");

    CHECK(reader->relayed() ==
          Lines{"RDATA events p1 batch [1,  {\"odd\":\"spelling\"}]", "RDATA events p1 5 [2]"});
    CHECK(p1->relayed().empty());
    CHECK(master.fake.applied[{"events", "p1"}] == FakeProcess::Applied{{5, 1}, {5, 2}});
}

TEST_CASE("a batch that its writer did not finish is not relayed", "[replication][handler]") {
    asio::io_context io;
    FakeDatabase database;
    Process master{"master", database, io};
    master.handler.add_stream(master.fake.stream("events", {"p1"}));
    const auto p1 = master.connect("p1");
    const auto reader = master.connect("synchrotron1");
    master.receive(p1, "POSITION events p1 0");
    master.receive(p1, "RDATA events p1 batch [1]");

    master.handler.link_closed(p1->id());

    CHECK(reader->relayed() == Lines{"POSITION events p1 0"});
    const auto again = master.connect("p1");
    master.receive(again, "POSITION events p1 5");
    CHECK(reader->relayed() == Lines{"POSITION events p1 5"});
}

TEST_CASE("rows that a process writes go out as one batch", "[replication][handler]") {
    asio::io_context io;
    FakeDatabase database;
    Process master{"master", database, io};
    master.handler.add_stream(master.fake.stream("events", {"master"}));
    const auto reader = master.connect("synchrotron1");

    master.fake.write(master.handler, "events", 7, {1, 2});
    master.handler.publish("events", 8, {});

    CHECK(reader->relayed() ==
          Lines{"RDATA events master batch [1]", "RDATA events master 7 [2]", "POSITION events master 7 8"});
}

TEST_CASE("a row that does not fit a line is announced by its position", "[replication][handler]") {
    asio::io_context io;
    FakeDatabase database;
    Process master{"master", database, io};
    master.handler.add_stream(master.fake.stream("typing", {"master"}));
    const auto reader = master.connect("synchrotron1");

    master.handler.publish("typing", 9, {json::array{1}, json::array{std::string(pr::kLineBytesMax, 'x')}});

    CHECK(reader->relayed() == Lines{"POSITION typing master 9"});
}

TEST_CASE("a client announces its own streams and who syncs before it asks", "[replication][handler]") {
    asio::io_context io;
    FakeDatabase database;
    Process worker{"p1", database, io};
    worker.handler.add_stream(worker.fake.stream("events", {"p1"}));
    worker.handler.add_stream(worker.fake.stream("typing", {"master"}));
    worker.fake.positions[{"events", "p1"}] = 12;
    CommandHooks hooks;
    hooks.currently_syncing = [] { return std::vector<std::string>{"@alice:h"}; };
    worker.handler.set_hooks(std::move(hooks));

    const auto link = worker.connect("master", true);

    REQUIRE(link->lines.size() == 3);
    CHECK(link->lines[0].starts_with("USER_SYNC id_p1 @alice:h start "));
    CHECK(link->lines[1] == "POSITION events p1 12");
    CHECK(link->lines[2] == "REPLICATE ");
    run(io, [&]() -> Task<void> { co_await worker.handler.stop(); });
}

TEST_CASE("a worker of a real Synapse 1.15 never announces rows", "[replication][handler]") {
    asio::io_context io;
    FakeDatabase database;
    auto options = handler_options("p1");
    options.dialect = pr::Dialect::kSynapse115;
    options.subscriptions = {"events"};
    Process worker{"p1", database, io, std::move(options)};
    worker.handler.add_stream(worker.fake.stream("caches", {"p1"}));
    worker.handler.add_stream(worker.fake.stream("events", {"master"}));
    const auto link = worker.connect("master", true);

    worker.fake.write(worker.handler, "caches", 1, {1});
    worker.handler.send_user_sync("@a:h", true, 5);
    worker.handler.send_clear_user_syncs();

    CHECK(link->lines == Lines{"REPLICATE ", "USER_SYNC id_p1 @a:h start 5", "CLEAR_USER_SYNC id_p1"});
    CHECK(link->relayed().empty());
}

TEST_CASE("a worker that writes a stream has a master of ours, and announces rows in any dialect",
          "[replication][handler]") {
    asio::io_context io;
    FakeDatabase database;
    auto options = handler_options("p1");
    options.dialect = pr::Dialect::kSynapse115;
    Process worker{"p1", database, io, std::move(options)};
    worker.handler.add_stream(worker.fake.stream("events", {"p1"}));
    worker.handler.add_stream(worker.fake.stream("caches", {"p1"}));
    const auto link = worker.connect("master", true);

    worker.fake.write(worker.handler, "caches", 1, {1});
    worker.fake.write(worker.handler, "events", 1, {1});

    CHECK(link->lines == Lines{"POSITION events p1 0", "POSITION caches p1 0", "REPLICATE "});
    CHECK(link->relayed() == Lines{"RDATA caches p1 1 [1]", "RDATA events p1 1 [1]"});
}

TEST_CASE("a worker asks only for the streams that it needs", "[replication][handler]") {
    asio::io_context io;
    FakeDatabase database;
    auto options = handler_options("synchrotron1");
    options.subscriptions = {"events"};
    Process worker{"synchrotron1", database, io, std::move(options)};
    worker.handler.add_stream(worker.fake.stream("events", {"master"}));
    worker.handler.add_stream(worker.fake.stream("typing", {"master"}));
    Process master{"master", database, io};
    master.handler.add_stream(master.fake.stream("events", {"master"}));
    master.handler.add_stream(master.fake.stream("typing", {"master"}));

    const auto up = worker.connect("master", true);
    REQUIRE(up->lines == Lines{"REPLICATE streams=events"});
    const auto down = master.connect("synchrotron1");
    master.receive(down, up->lines[0]);
    master.fake.write(master.handler, "typing", 1, {1});
    master.fake.write(master.handler, "events", 1, {1});

    CHECK(down->lines == Lines{"POSITION events master 0"});
    CHECK(down->relayed() == Lines{"RDATA events master 1 [1]"});
    worker.receive(up, "POSITION events master 0");
    CHECK(up->was_up);
}

TEST_CASE("a process counts as up when every configured writer has been caught up with",
          "[replication][handler]") {
    asio::io_context io;
    FakeDatabase database;
    Process worker{"synchrotron1", database, io};
    worker.handler.add_stream(worker.fake.stream("events", {"p1", "p2"}));
    const auto link = worker.connect("master", true);

    worker.receive(link, "POSITION events p1 0");
    CHECK(!worker.handler.all_caught_up());
    worker.receive(link, "POSITION events p2 0");

    CHECK(worker.handler.all_caught_up());
    CHECK(link->was_up);
    worker.handler.link_closed(link->id());
    CHECK(!worker.handler.all_caught_up());
}

TEST_CASE("a process knows where its writers are once each has reached what the database had of it",
          "[replication][handler]") {
    asio::io_context io;
    FakeDatabase database;
    Process master{"master", database, io};
    master.handler.add_stream(master.fake.stream("events", {"p1"}));
    master.fake.positions[{"events", "p1"}] = 3;
    const auto link = master.connect("p1");
    const auto knows = [&] {
        bool out = false;
        run(io, [&]() -> Task<void> { out = co_await master.handler.wait_for_writers(0ms); });
        return out;
    };

    CHECK(!knows());
    master.receive(link, "POSITION events p1 2");  // the third is not finished yet
    CHECK(!knows());
    master.receive(link, "RDATA events p1 3 [7]");
    CHECK(knows());
}

TEST_CASE("where a writer ended that cannot say so is told by another, and what it had not announced is caught up with",
          "[replication][handler]") {
    asio::io_context io;
    FakeDatabase database;
    const StreamKey ended{"events", "p2"};
    database.write(ended, 4, 40);
    database.write(ended, 5, 50);
    Process heir{"p1", database, io}, master{"master", database, io};
    for (auto* process : {&heir, &master}) {
        process->handler.add_stream(process->fake.stream("events", {"p1", "p2"}));
        process->fake.positions[ended] = 4;
    }
    const auto up = heir.connect("master", true);
    up->lines.clear();
    const auto from_heir = master.connect("p1");
    const auto other = master.connect("synchrotron1");
    const auto from_ended = master.connect("p2");
    master.receive(from_ended, "POSITION events p2 4");

    heir.handler.announce_end(ended, 5);
    REQUIRE(up->lines == Lines{"POSITION events p2 5"});
    run(io, [&]() -> Task<void> { co_await until([&] { return heir.fake.position(ended) == 5; }); });
    CHECK(heir.fake.applied[ended] == FakeProcess::Applied{{5, 50}});

    SECTION("while its connection stands, only it speaks for itself") {
        other->relayed();
        master.receive(from_heir, up->lines.front());
        CHECK(other->relayed().empty());
    }
    SECTION("then everybody hears it") {
        master.handler.link_closed(from_ended->id());
        other->relayed();
        master.receive(from_heir, up->lines.front());
        CHECK(other->relayed() == up->lines);
        run(io, [&]() -> Task<void> { co_await until([&] { return master.fake.position(ended) == 5; }); });
        CHECK(master.fake.applied[ended] == FakeProcess::Applied{{5, 50}});
    }
}

TEST_CASE("a row that is no JSON is the peer's fault", "[replication][handler]") {
    asio::io_context io;
    FakeDatabase database;
    Process worker{"synchrotron1", database, io};
    worker.handler.add_stream(worker.fake.stream("events", {"master"}));
    const auto link = worker.connect("master", true);

    CHECK(!worker.handler.on_command(link->id(), pr::Rdata{"events", "master", 1, "[oops"}, ""));
    CHECK(worker.handler.on_command(link->id(), pr::Rdata{"unknown", "master", 1, "[oops"}, "").has_value());
    CHECK(worker.handler.on_command(link->id(), pr::Rdata{"events", "synchrotron1", 1, "[oops"}, "")
              .has_value());
}

TEST_CASE("catch-up that fails is tried again until it works", "[replication][handler]") {
    asio::io_context io;
    FakeDatabase database;
    auto options = handler_options("synchrotron1");
    options.feed.retry_delay_min_ms = options.feed.retry_delay_max_ms = 1;
    Process worker{"synchrotron1", database, io, std::move(options)};
    worker.handler.add_stream(worker.fake.stream("events", {"master"}));
    database.write({"events", "master"}, 1, 10);
    worker.fake.fetch_fails_with = "the database is away";
    const auto link = worker.connect("master", true);

    run(io, [&]() -> Task<void> {
        worker.receive(link, "POSITION events master 1");
        co_await until([&] { return worker.fake.fetches >= 5; });
        CHECK(!worker.handler.all_caught_up());
        worker.fake.fetch_fails_with.clear();
        CHECK(co_await worker.handler.wait_until_caught_up(5s));
        co_await worker.handler.stop();
    });

    CHECK(worker.fake.applied[{"events", "master"}] == FakeProcess::Applied{{1, 10}});
}

TEST_CASE("who waits for a position is woken by rows, positions and local writes", "[replication][handler]") {
    asio::io_context io;
    FakeDatabase database;
    Process worker{"p1", database, io};
    worker.handler.add_stream(worker.fake.stream("events", {"master", "p1"}));
    const auto link = worker.connect("master", true);
    worker.receive(link, "POSITION events master 0");
    int woken = 0;
    const auto wait = [&](StreamKey key, std::int64_t token) {
        asio::co_spawn(
            io, worker.handler.wait_for_stream_position(std::move(key), token, 10s),
            [&woken](std::exception_ptr failure, bool reached) { woken += !failure && reached ? 1 : 0; });
    };
    wait({"events", "master"}, 3);
    wait({"events", "master"}, 3);
    wait({"events", "master"}, 5);
    wait({"events", "p1"}, 7);

    run(io, [&]() -> Task<void> {
        co_await core::sleep_for(core::Milliseconds{1});
        worker.receive(link, "RDATA events master 3 [1]");
        co_await until([&] { return woken == 2; });
        worker.receive(link, "POSITION events master 5");
        co_await until([&] { return woken == 3; });
        worker.fake.write(worker.handler, "events", 7, {1});
        co_await until([&] { return woken == 4; });
        CHECK(co_await worker.handler.wait_for_stream_position({"events", "master"}, 5, 1ms));
        CHECK(!co_await worker.handler.wait_for_stream_position({"events", "master"}, 6, 1ms));
        co_await worker.handler.stop();
    });

    CHECK(woken == 4);
}

TEST_CASE("commands reach their hooks in order, and a lost connection reports who synced there",
          "[replication][handler]") {
    asio::io_context io;
    FakeDatabase database;
    Process master{"master", database, io};
    Lines calls;
    CommandHooks hooks;
    hooks.user_sync = [&](pr::UserSync c, bool first) -> Task<void> {
        if (c.is_syncing) co_await core::sleep_for(core::Milliseconds{2});
        calls.push_back(fmt::format("sync {} {} {} {}", c.instance_id, c.user_id, c.is_syncing, first));
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
    const auto a = master.connect("a");
    const auto b = master.connect("b");

    run(io, [&]() -> Task<void> {
        master.receive(a, "USER_SYNC ia @u:h start 1");
        master.receive(a, "USER_SYNC ia @u:h end 2");
        master.receive(b, "USER_SYNC ib @v:h start 3");
        master.receive(b, "CLEAR_USER_SYNC ib");
        master.handler.link_closed(a->id());
        master.handler.link_closed(b->id());
        co_await until([&] { return calls.size() == 5; });
        co_await master.handler.stop();
    });

    CHECK(calls == Lines{"sync ia @u:h true true", "sync ia @u:h false false", "sync ib @v:h true true",
                         "clear ib", "lost ia"});
}

TEST_CASE("REMOTE_SERVER_UP reaches all but its sender, and this process", "[replication][handler]") {
    asio::io_context io;
    FakeDatabase database;
    Process master{"master", database, io};
    Lines woken;
    CommandHooks hooks;
    hooks.remote_server_up = [&](std::string server) -> Task<void> {
        woken.push_back(std::move(server));
        co_return;
    };
    master.handler.set_hooks(std::move(hooks));
    const auto a = master.connect("a");
    const auto b = master.connect("b");

    run(io, [&]() -> Task<void> {
        master.receive(a, "REMOTE_SERVER_UP up.example.org");
        master.handler.announce_remote_server_up("mine.example.org");
        co_await until([&] { return woken.size() == 2; });
        co_await master.handler.stop();
    });

    CHECK(a->relayed() == Lines{"REMOTE_SERVER_UP mine.example.org"});
    CHECK(b->relayed() == Lines{"REMOTE_SERVER_UP up.example.org", "REMOTE_SERVER_UP mine.example.org"});
}

TEST_CASE("a stream whose rows cannot be applied does not stop", "[replication][handler]") {
    asio::io_context io;
    FakeDatabase database;
    Process worker{"synchrotron1", database, io};
    std::int64_t token = 0;
    int applied = 0;
    StreamBindings bindings;
    bindings.current_token = [&](const std::string&) { return token; };
    bindings.updates = [](std::string, std::int64_t, std::int64_t upto, std::size_t) -> Task<Updates> {
        co_return Updates{{}, upto, false};
    };
    bindings.apply = [&](const std::string&, std::int64_t to, const Rows&) {
        token = to;
        if (++applied == 1) throw std::runtime_error{"somebody downstream is broken"};
    };
    bindings.advance = [&](const std::string&, std::int64_t to) { token = to; };
    worker.handler.add_stream({"events", {"master"}, std::move(bindings)});
    const auto link = worker.connect("master", true);
    worker.receive(link, "POSITION events master 0");

    worker.receive(link, "RDATA events master 1 [1]");
    worker.receive(link, "RDATA events master 2 [2]");

    CHECK(applied == 2);
    CHECK(worker.handler.feed_status().at(0).position == 2);
    CHECK(worker.handler.feed_status().at(0).connected);
}

TEST_CASE("what a writer's old connection delivers late is dropped, here and for those behind the relay",
          "[replication][handler]") {
    asio::io_context io;
    FakeDatabase database;
    Process master{"master", database, io};
    master.handler.add_stream(master.fake.stream("events", {"p1"}));
    const auto reader = master.connect("synchrotron1");
    const auto before = master.connect("p1");
    master.receive(before, "POSITION events p1 0");
    const auto after = master.connect("p1");
    master.receive(after, "POSITION events p1 0");

    master.receive(before, "RDATA events p1 7 [7]");
    master.receive(before, "POSITION events p1 3");
    master.receive(after, "RDATA events p1 8 [8]");
    master.handler.link_closed(before->id());
    master.receive(after, "RDATA events p1 9 [9]");

    CHECK(reader->relayed() == Lines{"POSITION events p1 0", "POSITION events p1 0", "RDATA events p1 8 [8]",
                                     "RDATA events p1 9 [9]"});
    CHECK(master.fake.applied[{"events", "p1"}] == FakeProcess::Applied{{8, 8}, {9, 9}});
}

TEST_CASE("a position without rows says since when, in Weft's dialect only", "[replication][handler]") {
    asio::io_context io;
    for (const auto dialect : {pr::Dialect::kWeft, pr::Dialect::kSynapse115}) {
        FakeDatabase database;
        auto options = handler_options("master");
        options.dialect = dialect;
        Process master{"master", database, io, options};
        master.handler.add_stream(master.fake.stream("events", {"master"}));
        const auto reader = master.connect("synchrotron1");
        master.fake.write(master.handler, "events", 5, {50});

        master.handler.publish("events", 9, {});

        const bool is_weft = dialect == pr::Dialect::kWeft;
        CHECK(reader->relayed().back() ==
              (is_weft ? "POSITION events master 5 9" : "POSITION events master 9"));
    }
}

TEST_CASE("a relay passes on since when there are no rows", "[replication][handler]") {
    asio::io_context io;
    FakeDatabase database;
    Process master{"master", database, io};
    master.handler.add_stream(master.fake.stream("events", {"p1"}));
    const auto reader = master.connect("synchrotron1");
    const auto p1 = master.connect("p1");
    master.receive(p1, "POSITION events p1 0");

    master.receive(p1, "POSITION events p1 0 4");

    CHECK(reader->relayed() == Lines{"POSITION events p1 0", "POSITION events p1 0 4"});
    CHECK(master.fake.fetches == 0);
    CHECK(master.fake.position({"events", "p1"}) == 4);
}
