// Typing and presence: what is told to others and forgotten soon.
#include "user_data_fixture.hpp"
#include "weft/http/server.hpp"

using namespace weft;
using namespace weft::test;
using namespace std::chrono_literals;

TEST_CASE("typing is told on change, and ends by itself", "[typing]") {
    UserDataFixture server;
    const auto room = server.shared_room();
    const auto path = "/rooms/" + room + "/typing/";
    const auto type = [&](const std::string& user, const std::string& body) {
        return server.put(user, path + user, body).status;
    };

    CHECK(type(kAlice, R"({"typing": true, "timeout": 60000})") == 200);
    CHECK(type(kBob, R"({"typing": true, "timeout": 20000})") == 200);
    CHECK(server.typing.typing_in(room) == Users{kAlice, kBob});
    const auto token = server.typing_stream.current();
    CHECK(type(kAlice, R"({"typing": true, "timeout": 60000})") == 200);
    CHECK(server.typing_stream.current() == token);
    CHECK(server.typing_stream.changes().has_changed(room, token - 1));

    server.storage.clock.advance(20s);
    server.wait_until([&] { return server.typing_stream.current() > token; });
    CHECK(server.typing.typing_in(room) == Users{kAlice});

    CHECK(type(kAlice, R"({"typing": false})") == 200);
    CHECK(server.typing.typing_in(room).empty());
    const auto updates = server.typing.updates(0, server.typing_stream.current(), 100);
    REQUIRE(updates.rows.size() == 1);
    CHECK(updates.rows.front().first == server.typing_stream.current());
}

TEST_CASE("only members say that they type, for themselves", "[typing]") {
    UserDataFixture server;
    const auto room = server.shared_room();
    const auto path = "/rooms/" + room + "/typing/";

    CHECK(refused(server.put(kAlice, path + kBob, R"({"typing": true})"), 403, "M_FORBIDDEN"));
    CHECK(refused(server.put(kCarol, path + kCarol, R"({"typing": true})"), 403, "M_FORBIDDEN"));
    CHECK(refused(server.put(kBob, path + kBob, "{}"), 400, "M_MISSING_PARAM"));
    CHECK(refused(server.put(kBob, path + kBob, R"({"typing": true, "timeout": "x"})"), 400, "M_BAD_JSON"));
    CHECK(server.typing.typing_in(room).empty());
}

TEST_CASE("who leaves the room types no longer", "[typing]") {
    UserDataFixture server;
    const auto room = server.shared_room();
    server.put(kBob, "/rooms/" + room + "/typing/" + kBob, R"({"typing": true, "timeout": 60000})");
    REQUIRE(server.typing.typing_in(room) == Users{kBob});

    REQUIRE(server.post(kBob, "/rooms/" + room + "/leave").status == 200);

    server.wait_until([&] { return server.typing.typing_in(room).empty(); });
    CHECK(server.typing.typing_in(room).empty());
}

TEST_CASE("a process forgets who types when the writer counts anew", "[typing]") {
    test::StorageFixture storage;
    auto& events_stream = storage.stream("events", "persister");
    TypingStream stream{"master", "writer"};
    storage::EventsStore events{storage.db, events_stream, storage.stream("backfill", "persister"), 100,
                                storage.io.get_executor()};
    storage::StateStore states{
        storage.db, events_stream, events, storage.registry, 10, storage.io.get_executor()};
    handlers::Typing typing{storage.io.get_executor(), storage.clock, states, stream};
    const auto row = [](const std::string& room, Users users) {
        return storage::StreamRows{proto::replication::TypingRow{room, std::move(users)}.to_json()};
    };
    stream.apply("writer", 7, row("!a:test", {kAlice}));
    CHECK(typing.typing_in("!a:test") == Users{kAlice});

    stream.rewind("writer", 2);
    CHECK(typing.typing_in("!a:test").empty());
    stream.apply("writer", 3, row("!a:test", {kBob}));
    CHECK(typing.typing_in("!a:test") == Users{kBob});
    CHECK(stream.changes().has_changed("!a:test", 2));
}

TEST_CASE("a user's presence is seen by those who share a room", "[presence]") {
    UserDataFixture server;
    server.shared_room();
    const auto status = [](const std::string& user) { return "/presence/" + user + "/status"; };

    CHECK(server.get(kAlice, status(kAlice)).text("presence") == "offline");
    CHECK(server.put(kAlice, status(kAlice), R"({"presence": "online", "status_msg": "here"})").status ==
          200);
    server.storage.clock.advance(10s);
    const auto seen = server.get(kBob, status(kAlice));
    CHECK(seen.status == 200);
    CHECK(seen.text("presence") == "online");
    CHECK(seen.text("status_msg") == "here");
    CHECK(proto::get_int(seen.body, "last_active_ago") == 10'000);
    CHECK(proto::get_bool(seen.body, "currently_active") == true);

    CHECK(refused(server.get(kCarol, status(kAlice)), 403, "M_FORBIDDEN"));
    CHECK(refused(server.put(kBob, status(kAlice), R"({"presence": "offline"})"), 403, "M_FORBIDDEN"));
    CHECK(refused(server.put(kAlice, status(kAlice), R"({"presence": "asleep"})"), 400, "M_INVALID_PARAM"));
    CHECK(refused(server.put(kAlice, status(kAlice), "{}"), 400, "M_MISSING_PARAM"));
    CHECK(refused(server.get(kAlice, status("nobody")), 400, "M_INVALID_PARAM"));
}

TEST_CASE("a sync makes a user online; presence survives a restart of its writer", "[presence]") {
    UserDataFixture server;
    {
        const auto guard = server.presence.user_syncs(kAlice, "online");
        const auto unseen = server.presence.user_syncs(kBob, "offline");
        server.wait_until([&] { return server.presence_of(kAlice) == "online"; });
        CHECK(server.presence.currently_syncing() == Users{kAlice});
    }
    CHECK(server.presence_of(kBob) == "");
    CHECK(server.presence_stream.changes().has_changed(kAlice, server.presence_stream.current() - 1));
    CHECK(server.storage.sql("SELECT user_id, state FROM presence_stream") ==
          std::vector<Users>{{kAlice, "online"}});

    handlers::Presence restarted{server.storage.io.get_executor(), server.config, server.storage.clock,
                                 server.presence_store, server.rpc};
    server.storage.run(restarted.start());
    const auto known = server.storage.run(restarted.states(Users{kAlice, kBob}));
    REQUIRE(known.size() == 1);
    CHECK(known.front().state == "online");
    server.storage.run(restarted.stop());
}

TEST_CASE("other processes tell the writer who syncs, and many users are one write", "[presence]") {
    UserDataFixture server;
    const auto user = [](int i) { return "@user" + std::to_string(i) + ":test"; };
    auto tell = [](UserDataFixture& to, std::function<std::string(int)> name) -> Task<void> {
        for (int i = 0; i < 50; ++i) {
            co_await to.presence.on_user_sync("worker-1", name(i), true, to.storage.clock.now_ms(), i == 0);
        }
    };
    server.storage.run(tell(server, user));
    server.wait_until([&] { return server.presence_of(user(49)) == "online"; });
    CHECK(server.storage.sql("SELECT count(*) FROM presence_stream WHERE state = 'online'").front().front() ==
          "50");

    server.storage.run(server.presence.set_state(user(1), "offline", std::nullopt, true));
    CHECK(server.presence_of(user(1)) == "offline");
    server.storage.run(server.presence.on_clear_user_syncs("worker-1"));
    CHECK(server.presence_of(user(2)) == "online");
}

TEST_CASE("a process that does not write presence reports edges, not polls", "[presence]") {
    UserDataFixture server;
    auto config = server.config;
    config.instance_name = core::InstanceName{"synchrotron1"};
    handlers::Presence worker{server.storage.io.get_executor(), config, server.storage.clock,
                              server.presence_store, server.rpc};
    std::vector<std::pair<std::string, bool>> told;
    worker.set_reporter(
        [&](const std::string& user, bool syncing, std::int64_t) { told.emplace_back(user, syncing); });

    for (int i = 0; i < 10; ++i) {
        const auto guard = worker.user_syncs(kAlice, "online");
    }
    CHECK(told == std::vector<std::pair<std::string, bool>>{{kAlice, true}});
    CHECK(worker.currently_syncing() == Users{kAlice});

    // What the writer says is known here as well.
    server.storage.run(server.presence.set_state(kBob, "unavailable", "away", false));
    const auto known = server.storage.run(worker.states(Users{kBob}));
    REQUIRE(known.size() == 1);
    CHECK(known.front().state == "unavailable");
    CHECK(known.front().status_msg == "away");
}

TEST_CASE("without presence nothing is known and nothing is told", "[presence]") {
    auto config = RoomsFixture::roomy_config();
    config.use_presence = false;
    UserDataFixture server{config};

    const auto guard = server.presence.user_syncs(kAlice, "online");
    server.presence.user_active(kAlice);
    CHECK(server.put(kAlice, "/presence/@alice:test/status", R"({"presence": "online"})").status == 200);
    CHECK(server.get(kAlice, "/presence/@alice:test/status").text("presence") == "offline");
    CHECK_FALSE(server.presence.enabled());
    CHECK(server.presence.currently_syncing().empty());
    CHECK(server.storage.sql("SELECT * FROM presence_stream").empty());
}

TEST_CASE("a poll that asks for another state, and activity, reach the writer from other processes",
          "[presence]") {
    UserDataFixture writer;
    auto& io = writer.storage.io;
    http::Router router;
    router.set_authenticator(replication::rpc_authenticator("secret"));
    core::SystemClock clock;
    replication::RpcServer server{io.get_executor(), clock, router};
    http::Server listener{io.get_executor(), router, core::ListenerConfig{}, {}};
    writer.presence.serve(server);
    listener.start();
    replication::RpcClient client{
        io.get_executor(),
        clock,
        {"synchrotron1", {{"master", {"127.0.0.1", listener.port(), ""}}}, "secret"}};
    auto config = writer.config;
    config.instance_name = core::InstanceName{"synchrotron1"};
    handlers::Presence worker{io.get_executor(), config, writer.storage.clock, writer.presence_store, client};
    std::string told;
    worker.set_reporter([&](const std::string& user, bool, std::int64_t) { told = user; });

    {
        const auto guard = worker.user_syncs(kAlice, "unavailable");
        CHECK(told.empty());
        writer.wait_until([&] { return !told.empty(); });
    }
    CHECK(told == kAlice);
    CHECK(writer.presence_of(kAlice) == "unavailable");

    worker.user_active(kAlice);
    writer.wait_until([&] { return writer.presence_of(kAlice) == "online"; });

    writer.storage.run(worker.set_state(kBob, "online", "here", false));
    writer.storage.run(worker.set_state(kBob, "unavailable", std::nullopt, true));
    const auto bob = writer.storage.run(worker.states(Users{kBob}));
    REQUIRE(bob.size() == 1);
    CHECK(bob.front().state == "unavailable");
    CHECK(bob.front().status_msg == "here");
    CHECK_THROWS_AS(writer.storage.run(worker.set_state(kBob, "asleep", std::nullopt, true)),
                    core::MatrixError);

    writer.storage.run(worker.stop());
    writer.storage.run(listener.stop(100));
    writer.storage.run(server.stop());
}
