#include <catch2/catch.hpp>

#include <fstream>

#include <fmt/format.h>
#include <unistd.h>
#include <boost/json/serialize.hpp>

#include "../../workers/app/src/stream_bindings.hpp"
#include "../../workers/app/src/writer_commands.hpp"
#include "postgres_fixture.hpp"
#include "weft/storage/group_update_store.hpp"
#include "weft/storage/pusher_store.hpp"
#include "weft/storage/user_signature_store.hpp"

using namespace weft;
using storage::PusherKey;
using storage::PusherSettings;
using test::StorageFixture;
using Strings = std::vector<std::string>;

namespace {

std::string line(std::int64_t token, const boost::json::value& row) {
    return std::to_string(token) + " " + boost::json::serialize(row);
}

/// What a stream has announced.
struct Announced {
    explicit Announced(storage::StreamState& stream) {
        stream.set_publisher([this](std::int64_t token, const storage::StreamRows& rows) {
            for (const auto& row : rows) lines.push_back(line(token, row));
        });
    }
    Strings lines;
};

/// All of (from, to] in pages of `limit`, as a process that catches up reads it.
template <class Store>
Strings catch_up(StorageFixture& fixture, Store& store, std::int64_t from, std::int64_t to,
                 std::size_t limit) {
    Strings all;
    for (;;) {
        const auto page = fixture.run(store.updates(from, to, limit));
        for (const auto& [token, row] : page.rows) all.push_back(line(token, row));
        if (!page.limited) return all;
        REQUIRE(page.upto > from);
        REQUIRE(page.upto == page.rows.back().first);
        from = page.upto;
    }
}

PusherSettings pusher(std::string user_id, std::string push_key = "key") {
    PusherSettings settings;
    settings.key = {std::move(user_id), "org.example.app", std::move(push_key)};
    settings.kind = "http";
    settings.app_display_name = "App";
    settings.device_display_name = "Phone";
    settings.data = R"({"url":"https://push.example"})";
    settings.last_stream_ordering = 40;
    return settings;
}

/// Everything of one process that has to do with streams, but for its sockets.
struct Process {
    Process(const core::Config& its_config, const core::DatabaseConfig& database)
        : config{its_config},
          db{database, config.instance_name.get(), io.get_executor()},
          streams{config},
          stores{db, streams, config, clock, io.get_executor()},
          rpc{io.get_executor(),
              clock,
              {.instance_name = config.instance_name.get(),
               .instance_map = config.instance_map,
               .secret = "secret"}},
          typing{io.get_executor(), clock, stores.states, streams.typing},
          applier{io.get_executor(), stores.events, streams.events},
          handler{io.get_executor(),
                  clock,
                  {.instance_name = config.instance_name.get(),
                   .instance_id = "abcde",
                   .relays = config.is_master()}},
          commands{stores.pushers, federation, rpc, config} {
        streams.seed(storage::PositionReader{db}.read_blocking());
        if (config.writes("federation")) federation.emplace(io.get_executor(), clock, streams.federation);
        workers::bind_streams(handler, streams, stores, applier, typing, federation ? &*federation : nullptr,
                              rpc, config);
    }
    ~Process() { test::run(io, stop()); }
    Task<void> stop() {
        if (federation) co_await federation->stop();
        co_await typing.stop();
        co_await applier.stop();
        co_await handler.stop();
    }

    core::Config config;
    core::ManualClock clock;
    asio::io_context io;
    storage::Database db;
    workers::Streams streams;
    workers::Stores stores;
    replication::RpcClient rpc;
    handlers::Typing typing;
    std::optional<handlers::FederationQueue> federation;
    workers::EventsApplier applier;
    replication::ReplicationCommandHandler handler;
    workers::WriterCommands commands;
};

core::Config config_of(const std::string& instance) {
    core::Config config;
    config.server_name = "test";
    config.instance_name = core::InstanceName{instance};
    if (instance != "master") config.worker_app = "weft.app.synchrotron";
    return config;
}

/// A complete configuration with these lines more.
core::Config load(const std::string& more) {
    const auto path = fmt::format("/tmp/weft_streams_{}.yaml", ::getpid());
    std::ofstream{path} << "server_name: test\nsigning_key_path: key\n"
                           "database: {name: psycopg2, args: {dbname: weft}}\n"
                           "listeners: [{type: http, port: 1, resources: [{names: [client]}]}]\n"
                           "instance_map: {master: {host: h, port: 1}, w1: {host: h, port: 2}}\n"
                        << more << '\n';
    try {
        auto config = core::load_config({path});
        ::unlink(path.c_str());
        return config;
    } catch (...) {
        ::unlink(path.c_str());
        throw;
    }
}

}  // namespace

TEST_CASE("a process has all sixteen streams, and each can be caught up from nothing") {
    test::TestDatabase database;
    Process master{config_of("master"), database.config()};

    Strings names;
    for (const auto& stream : master.handler.streams()) names.push_back(stream->name());
    Strings expected;
    for (const auto& info : proto::replication::kStreams) expected.emplace_back(info.name);
    CHECK(names == expected);
    for (const auto& stream : master.handler.streams()) {
        CAPTURE(stream->name());
        CHECK(stream->has_writer("master"));
        const auto page = test::run(master.io, stream->updates("master", 0, 100, 100));
        CHECK(page.rows.empty());
        CHECK(page.upto == 100);
    }
}

TEST_CASE("each stream is written where configuration says, and one that shares its IDs with it") {
    const auto config = load("stream_writers: {device_lists: w1, federation: [w1], groups: w1, pushers: w1}");

    for (const auto* stream : {"device_lists", "user_signature", "federation", "groups", "pushers"})
        CHECK(config.writers_of(stream) == Strings{"w1"});
    for (const auto* stream : {"account_data", "tag_account_data", "events", "backfill", "receipts"})
        CHECK(config.writers_of(stream) == Strings{"master"});
    CHECK(load("stream_writers: {events: [w1], account_data: w1}").writers_of("backfill") == Strings{"w1"});
    CHECK_THROWS_WITH(load("stream_writers: {user_signature: w1}"), Catch::Contains("device_lists"));
    CHECK_THROWS_WITH(load("stream_writers: {caches: w1}"), Catch::Contains("every process"));
    CHECK_THROWS_WITH(load("stream_writers: {unheard_of: w1}"), Catch::Contains("unknown stream"));
    CHECK_THROWS_WITH(load("stream_writers: {groups: w9}"), Catch::Contains("not in instance_map"));
    CHECK_THROWS_WITH(load("stream_writers: {federation: [master, w1]}"), Catch::Contains("one writer"));
}

TEST_CASE("a reader holds the shared position back until both streams have caught up") {
    test::TestDatabase database;
    Process worker{config_of("worker1"), database.config()};
    const auto& device_lists = *worker.handler.find_stream("device_lists");
    const auto& user_signature = *worker.handler.find_stream("user_signature");
    auto& stream = worker.streams.device_lists;

    device_lists.apply("master", 4, {boost::json::array{"@a:test"}});
    device_lists.set_behind("master", false);
    CHECK(stream.current() == 4);
    CHECK(stream.shared_current() == 1);
    user_signature.advance("master", 4);
    user_signature.set_behind("master", false);
    CHECK(stream.shared_current() == 4);

    CHECK(worker.streams.account_data.behind());
    CHECK(worker.streams.tag_account_data.behind());
    CHECK_FALSE(worker.streams.receipts.behind());
    Process master{config_of("master"), database.config()};
    CHECK_FALSE(master.streams.account_data.behind());
}

TEST_CASE("REMOVE_PUSHER removes the pusher, and nothing happens if it is gone") {
    test::TestDatabase database;
    Process master{config_of("master"), database.config()};
    test::run(master.io, master.stores.pushers.set(pusher("@a:test")));

    test::run(master.io, master.commands.remove_pusher({"org.example.app", "key", "@a:test"}));
    CHECK(master.streams.pushers.current() == 3);
    CHECK(test::run(master.io, master.stores.pushers.of_user("@a:test")).empty());
    test::run(master.io, master.commands.remove_pusher({"org.example.app", "key", "@a:test"}));
    CHECK(master.streams.pushers.current() == 3);
}

TEST_CASE("FEDERATION_ACK trims the queue that the federation stream is caught up from") {
    test::TestDatabase database;
    Process master{config_of("master"), database.config()};
    for (int i = 0; i < 3; ++i) master.federation->send_edu({"m.test", {}, "test", "two.example"});
    const auto& stream = *master.handler.find_stream("federation");
    CHECK(test::run(master.io, stream.updates("master", 0, 3, 100)).rows.size() == 3);

    test::run(master.io, master.commands.federation_ack({std::nullopt, 3}));

    CHECK(test::run(master.io, stream.updates("master", 0, 3, 100)).rows.size() == 1);
}

TEST_CASE("a pusher is set, set again under a new token, and removed") {
    StorageFixture fixture;
    auto& stream = fixture.stream("pushers");
    storage::PusherStore store{fixture.context(), stream};
    Announced announced{stream};
    const PusherKey key{"@a:test", "org.example.app", "key"};
    CHECK_FALSE(fixture.run(store.has_pusher("@a:test")));

    CHECK(fixture.run(store.set(pusher("@a:test"))) == 2);
    CHECK(fixture.run(store.has_pusher("@a:test")));
    fixture.sql("INSERT INTO pusher_throttle VALUES (2, '!r:test', 1, 2)");
    CHECK(fixture.run(store.set_progress(key, 50, 1234)));
    CHECK(fixture.run(store.set_failing_since(key, 99)));
    const auto found = fixture.run(store.get(key));
    REQUIRE(found.has_value());
    CHECK(found->id == 2);
    CHECK(found->settings.key == key);
    CHECK(found->settings.data == R"({"url":"https://push.example"})");
    CHECK(found->settings.last_stream_ordering == 50);
    CHECK_FALSE(found->settings.lang.has_value());
    CHECK(found->last_success_ms == 1234);
    CHECK(found->failing_since_ms == 99);

    auto changed = pusher("@a:test");
    changed.lang = "en";
    CHECK(fixture.run(store.set(changed)) == 3);
    CHECK(fixture.run(store.all()).size() == 1);
    CHECK(fixture.run(store.of_user("@a:test")).at(0).settings.lang == "en");
    CHECK_FALSE(fixture.run(store.get(key))->failing_since_ms.has_value());
    CHECK(fixture.sql("SELECT pusher FROM pusher_throttle").at(0).at(0) == "3");

    CHECK(fixture.run(store.remove(key)) == 4);
    CHECK_FALSE(fixture.run(store.remove(key)).has_value());
    CHECK_FALSE(fixture.run(store.get(key)).has_value());
    CHECK_FALSE(fixture.run(store.has_pusher("@a:test")));
    CHECK_FALSE(fixture.run(store.set_progress(key, 60, std::nullopt)));
    CHECK(fixture.sql("SELECT * FROM pusher_throttle").empty());
    CHECK(announced.lines == Strings{R"(2 ["@a:test","org.example.app","key",false])",
                                     R"(3 ["@a:test","org.example.app","key",false])",
                                     R"(4 ["@a:test","org.example.app","key",true])"});
    CHECK(fixture.sql("SELECT DISTINCT cache_func, keys FROM cache_invalidation_stream_by_instance") ==
          std::vector<Strings>{{"get_if_user_has_pusher", "{@a:test}"}});
}

TEST_CASE("pushers of other users and of ended sessions are found and removed together") {
    StorageFixture fixture;
    auto& stream = fixture.stream("pushers");
    storage::PusherStore store{fixture.context(), stream};
    for (const auto* user : {"@a:test", "@b:test", "@c:test"}) {
        auto settings = pusher(user);
        settings.access_token_id = 7;
        fixture.run(store.set(std::move(settings)));
    }
    auto other_session = pusher("@a:test", "other key");
    other_session.access_token_id = 8;
    fixture.run(store.set(std::move(other_session)));
    Announced announced{stream};

    CHECK(fixture.run(store.remove_of_others({"@a:test", "org.example.app", "key"})) == 7);
    CHECK_FALSE(fixture.run(store.remove_of_others({"@a:test", "org.example.app", "key"})).has_value());
    CHECK(fixture.run(store.remove_of_sessions("@a:test", {8, 9})) == 8);

    CHECK(announced.lines == Strings{R"(6 ["@b:test","org.example.app","key",true])",
                                     R"(7 ["@c:test","org.example.app","key",true])",
                                     R"(8 ["@a:test","org.example.app","other key",true])"});
    CHECK(fixture.run(store.all()).size() == 1);
}

TEST_CASE("catch-up of pushers gives additions and deletions in one order, whatever the page size") {
    StorageFixture fixture;
    storage::PusherStore store{fixture.context(), fixture.stream("pushers")};
    fixture.run(store.set(pusher("@a:test")));
    fixture.run(store.set(pusher("@b:test")));
    fixture.run(store.remove({"@a:test", "org.example.app", "key"}));
    fixture.run(store.set(pusher("@c:test")));
    fixture.run(store.set(pusher("@a:test")));
    fixture.run(store.remove({"@a:test", "org.example.app", "key"}));

    const Strings expected{R"(3 ["@b:test","org.example.app","key",false])",
                           R"(5 ["@c:test","org.example.app","key",false])",
                           R"(7 ["@a:test","org.example.app","key",true])"};
    for (const std::size_t limit : {1, 2, 3, 100}) CHECK(catch_up(fixture, store, 1, 7, limit) == expected);
    CHECK(catch_up(fixture, store, 3, 5, 100).size() == 1);
    // Tokens go on after a restart, also when the newest is that of a deletion.
    CHECK(fixture.stream("pushers").current() == 7);
}

TEST_CASE("a reader's knowledge of who has a pusher follows the stream") {
    StorageFixture master;
    StorageFixture worker{master, "worker1"};
    auto& written = master.stream("pushers");
    auto& followed = worker.stream("pushers");
    storage::PusherStore writing{master.context(), written};
    storage::PusherStore reading{worker.context(), followed};
    written.set_publisher(
        [&](std::int64_t token, const storage::StreamRows& rows) { followed.apply("master", token, rows); });
    CHECK_FALSE(worker.run(reading.has_pusher("@a:test")));

    master.run(writing.set(pusher("@a:test")));

    CHECK(worker.run(reading.has_pusher("@a:test")));
    CHECK(followed.current() == 2);
}

TEST_CASE("signatures count together with device lists and are told to the signer") {
    StorageFixture fixture;
    auto [devices_stream, signatures_stream] = fixture.shared_streams("device_lists", "user_signature");
    storage::DeviceStore devices{fixture.context(), *devices_stream};
    storage::UserSignatureStore signatures{fixture.context(), *signatures_stream};
    Announced announced{*signatures_stream};

    CHECK(fixture.run(signatures.add("@a:test", {"@b:test", "@c:test"})) == 2);
    CHECK(fixture.run(devices.add_changes("@b:test", {"D1"}, {})) == 3);
    CHECK(fixture.run(signatures.add("@a:test", {"@b:test", "@d:test"})) == 4);
    CHECK(fixture.run(signatures.add("@b:test", {"@a:test"})) == 5);

    const Strings expected{R"(2 ["@a:test"])", R"(4 ["@a:test"])", R"(5 ["@b:test"])"};
    CHECK(announced.lines == expected);
    for (const std::size_t limit : {1, 2, 100}) CHECK(catch_up(fixture, signatures, 1, 5, limit) == expected);
    CHECK(fixture.run(signatures.signed_by("@a:test", 1, 5)) == Strings{"@b:test", "@c:test", "@d:test"});
    CHECK(fixture.run(signatures.signed_by("@a:test", 2, 3)).empty());
    CHECK(fixture.run(signatures.signed_by("@a:test", 2, 4)) == Strings{"@b:test", "@d:test"});
    CHECK(fixture.run(signatures.signed_by("@c:test", 1, 5)).empty());
    CHECK(devices_stream->current() == 5);
    CHECK(devices_stream->shared_current() == 5);
}

TEST_CASE("what a database still has of groups is read, bad content and all") {
    StorageFixture fixture;
    fixture.sql(
        "INSERT INTO local_group_updates (stream_id, group_id, user_id, type, content) VALUES "
        R"((3, '+g:test', '@b:test', 'membership', 'not json'), )"
        R"((2, '+g:test', '@a:test', 'membership', '{"membership":"join"}'), )"
        R"((3, '+g:test', '@c:test', 'membership', '[]'))");
    auto& stream = fixture.stream("groups");
    storage::GroupUpdateStore groups{fixture.context(), stream};

    CHECK(stream.current() == 3);
    auto rows = catch_up(fixture, groups, 1, 3, 1);
    std::ranges::sort(rows);
    CHECK(rows == Strings{R"(2 ["+g:test","@a:test","membership",{"membership":"join"}])",
                          R"(3 ["+g:test","@b:test","membership",{}])",
                          R"(3 ["+g:test","@c:test","membership",{}])"});
    stream.apply("master", 4,
                 {boost::json::array{"+g:test", "@a:test", "membership", boost::json::object{}}});
    CHECK(stream.changes().has_changed("@a:test", 3));
}
