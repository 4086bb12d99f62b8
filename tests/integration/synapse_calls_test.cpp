// Calls that workers of Synapse 1.15 make, in its shapes: whoever registers and logs people in, or turns
// invites down, elsewhere than at the master.
#include <catch2/catch.hpp>

#include "homeserver_fixture.hpp"
#include "weft/replication/rpc.hpp"
#include "weft/storage/position_reader.hpp"

using namespace weft;
using namespace weft::test;
namespace json = boost::json;
using Table = std::vector<std::vector<std::string>>;

namespace {

/// bcrypt of "open sesame".
constexpr auto kHash = "$2b$04$rSo5U8p3uvK3dnU/AbO8fODS8Uk4OC8WLXCgKicrWhJQChbe/DPTW";

core::Config config_with(core::RateLimit registrations) {
    auto config = HomeserverFixture::roomy_config();
    config.rc_registration = registrations;
    return config;
}

/// The master's RPC listener, and what a worker says to it.
struct SynapseWorker {
    explicit SynapseWorker(core::Config config = config_with({1000, 1000})) : fixture{std::move(config)} {
        router.set_authenticator(
            replication::rpc_authenticator("secret", replication::UnauthenticatedRpc::kThisMachine));
        fixture.master->services.serve(server);
    }
    ~SynapseWorker() { fixture.run(server.stop()); }

    http::Response post(const std::string& path, const std::string& body = "{}",
                        const std::string& address = "unix") {
        http::Request request;
        request.method = http::Method::kPost;
        request.path = "/_synapse/replication/" + path;
        request.target = request.path;
        request.remote_address = address;
        request.body = body;
        return fixture.run(router.handle(std::move(request)));
    }
    std::string transaction() { return "/txn" + std::to_string(++requests); }
    /// A call with a request ID of its own.
    http::Response call(const std::string& path, const std::string& body = "{}") {
        return post(path + transaction(), body);
    }
    json::object object(const http::Response& response) {
        INFO(response.body);
        REQUIRE(response.status == 200);
        return json::parse(response.body).as_object();
    }
    std::string errcode(const http::Response& response) {
        const auto body = json::parse(response.body);
        return body.as_object().contains("errcode") ? std::string{body.at("errcode").as_string()} : "";
    }
    http::Response register_user(const std::string& user_id, json::object changes = {}) {
        json::object body{{"address", "10.0.0.1"},    {"admin", false},
                          {"appservice_id", nullptr}, {"create_profile_with_displayname", "Walter"},
                          {"make_guest", false},      {"password_hash", kHash},
                          {"user_type", nullptr},     {"was_guest", false}};
        for (const auto& [key, value] : changes) body[key] = value;
        return call("register_user/" + user_id, json::serialize(body));
    }
    Table sql(const std::string& statement) { return fixture.sql(statement); }

    HomeserverFixture fixture;
    http::Router router;
    replication::RpcServer server{fixture.io.get_executor(), fixture.master->clock, router};
    int requests = 0;
};

constexpr auto kNewDevice = R"({"device_id": null, "initial_display_name": null, "is_guest": false})";

}  // namespace

TEST_CASE("a client reader of Synapse registers somebody and logs them in", "[synapse_calls]") {
    SynapseWorker worker;
    const auto registered = worker.register_user("@walter:test");
    INFO(registered.body);
    REQUIRE(registered.status == 200);
    CHECK(registered.body == "{}");
    CHECK(worker.sql(
              "SELECT admin, is_guest, appservice_id, user_type FROM users WHERE name = '@walter:test'") ==
          Table{{"0", "0", "NULL", "NULL"}});
    CHECK(worker.sql("SELECT displayname FROM profiles WHERE user_id = 'walter'") == Table{{"Walter"}});
    auto& services = worker.fixture.master->services;
    CHECK(worker.fixture.run(services.passwords.check("@walter:test", "open sesame")) == "@walter:test");

    const std::string path = "device_check_registered/@walter:test/once";
    const std::string body = R"({"device_id": "GDEV1", "initial_display_name": "Phone", "is_guest": false})";
    const auto first = worker.post(path, body);
    const auto session = worker.object(first);
    CHECK(session.size() == 2);
    CHECK(session.at("device_id") == "GDEV1");
    const auto owner = worker.fixture.run(worker.fixture.master->stores.tokens.get_user_by_access_token(
        std::string{session.at("access_token").as_string()}));
    REQUIRE(owner);
    CHECK(owner->user_id == "@walter:test");
    CHECK(worker.sql("SELECT device_id, display_name FROM devices WHERE user_id = '@walter:test'") ==
          Table{{"GDEV1", "Phone"}});
    // A retry gets the same answer, another request another device.
    CHECK(worker.post(path, body).body == first.body);
    const auto other = worker.object(worker.call("device_check_registered/@walter:test", kNewDevice));
    CHECK(other.at("device_id").as_string().size() == 10);
    CHECK(worker.sql("SELECT count(*) FROM access_tokens WHERE user_id = '@walter:test'") == Table{{"2"}});

    CHECK(worker
              .call("post_register/@walter:test",
                    R"({"access_token": "x", "auth_result": {"m.login.dummy": true}})")
              .body == "{}");
    const std::string proof = R"({"access_token": null, "auth_result": {"m.login.email.identity":
        {"medium": "email", "address": "Walter@Example.org", "validated_at": 1590000000000}}})";
    CHECK(worker.call("post_register/@walter:test", proof).body == "{}");
    CHECK(worker.sql("SELECT user_id, medium, address, validated_at FROM user_threepids") ==
          Table{{"@walter:test", "email", "walter@example.org", "1590000000000"}});
}

TEST_CASE("a client reader of Synapse hears what cannot be registered", "[synapse_calls]") {
    SynapseWorker worker;
    REQUIRE(worker.register_user("@walter:test").status == 200);
    CHECK(worker.errcode(worker.register_user("@walter:test")) == "M_USER_IN_USE");
    CHECK(worker.errcode(worker.register_user("@walter:elsewhere")) == "M_INVALID_PARAM");
    CHECK(worker.errcode(worker.register_user("walter")) == "M_INVALID_PARAM");
    CHECK(worker.errcode(worker.register_user("@x:test", {{"admin", "yes"}})) == "M_BAD_JSON");
    CHECK(worker.errcode(worker.register_user("@x:test", {{"password_hash", 5}})) == "M_BAD_JSON");
    CHECK(worker.errcode(worker.call("register_user/@x:test", "{}")) == "M_BAD_JSON");
    CHECK(worker.errcode(worker.call("register_user/@x:test", "[]")) == "M_BAD_JSON");
    CHECK(worker.errcode(worker.call("register_user/@x:test", "nonsense")) == "M_NOT_JSON");
    CHECK(worker.sql("SELECT name FROM users") == Table{{"@walter:test"}});

    CHECK(worker.errcode(worker.call("device_check_registered/@nobody:test", kNewDevice)) == "M_NOT_FOUND");
    CHECK(worker.errcode(worker.call("device_check_registered/@walter:test", R"({"device_id": null})")) ==
          "M_BAD_JSON");
}

TEST_CASE("an account that is closed is not logged in for a client reader of Synapse", "[synapse_calls]") {
    SynapseWorker worker;
    REQUIRE(worker.register_user("@walter:test").status == 200);
    auto& users = worker.fixture.master->stores.users;
    REQUIRE(worker.fixture.run(users.set_locked("@walter:test", true)));
    CHECK(worker.errcode(worker.call("device_check_registered/@walter:test", kNewDevice)) == "M_USER_LOCKED");
    REQUIRE(worker.fixture.run(users.set_locked("@walter:test", false)));
    REQUIRE(worker.fixture.run(users.set_deactivated("@walter:test", true)));
    CHECK(worker.errcode(worker.call("device_check_registered/@walter:test", kNewDevice)) ==
          "M_USER_DEACTIVATED");
    CHECK(worker.sql("SELECT * FROM access_tokens").empty());
}

TEST_CASE("an address that belongs to another account is not given away to a new one", "[synapse_calls]") {
    SynapseWorker worker;
    REQUIRE(worker.register_user("@walter:test").status == 200);
    REQUIRE(worker.register_user("@wilma:test").status == 200);
    const std::string proof = R"({"access_token": null, "auth_result": {"m.login.email.identity":
        {"medium": "email", "address": "w@example.org", "validated_at": 1}}})";
    REQUIRE(worker.call("post_register/@walter:test", proof).status == 200);
    CHECK(worker.call("post_register/@walter:test", proof).status == 200);
    CHECK(worker.errcode(worker.call("post_register/@wilma:test", proof)) == "M_THREEPID_IN_USE");
    // Half a proof is none.
    CHECK(worker
              .call("post_register/@wilma:test", R"({"access_token": null, "auth_result":
        {"m.login.email.identity": {"medium": "email", "address": "other@example.org"}}})")
              .status == 200);
    CHECK(worker.sql("SELECT user_id FROM user_threepids") == Table{{"@walter:test"}});
}

TEST_CASE("a guest of Synapse's client reader becomes a user", "[synapse_calls]") {
    SynapseWorker worker;
    REQUIRE(worker.register_user("@1:test", {{"make_guest", true}, {"password_hash", nullptr}}).status ==
            200);
    CHECK(worker.sql("SELECT is_guest, password_hash FROM users") == Table{{"1", "NULL"}});
    const auto session =
        worker.object(worker.call("device_check_registered/@1:test",
                                  R"({"device_id": "G", "initial_display_name": null, "is_guest": true})"));
    const auto token = std::string{session.at("access_token").as_string()};
    auto& tokens = worker.fixture.master->stores.tokens;
    CHECK(worker.fixture.run(tokens.get_user_by_access_token(token))->guest);

    CHECK(worker.errcode(worker.register_user(
              "@1:test", {{"was_guest", true}, {"password_hash", nullptr}})) == "M_BAD_JSON");
    REQUIRE(worker.register_user("@1:test", {{"was_guest", true}}).status == 200);
    CHECK_FALSE(worker.fixture.run(tokens.get_user_by_access_token(token))->guest);
    CHECK(worker.errcode(worker.register_user("@1:test", {{"was_guest", true}})) == "M_USER_IN_USE");
}

TEST_CASE("registrations by a client reader of Synapse count against their address", "[synapse_calls]") {
    SynapseWorker worker{config_with({0.001, 2})};
    REQUIRE(worker.register_user("@a:test").status == 200);
    REQUIRE(worker.register_user("@b:test").status == 200);
    CHECK(worker.errcode(worker.register_user("@c:test")) == "M_LIMIT_EXCEEDED");
    CHECK(worker.register_user("@c:test", {{"address", "10.0.0.2"}}).status == 200);
    CHECK(worker.register_user("@d:test", {{"address", nullptr}}).status == 200);
}

TEST_CASE("calls of Synapse's workers need the secret, or to come from this machine", "[synapse_calls]") {
    SynapseWorker worker;
    const auto path = GENERATE(as<std::string>{}, "register_user/@x:test/t", "post_register/@x:test/t",
                               "device_check_registered/@x:test/t", "locally_reject_invite/!r:test/@x:test/t",
                               "store_room_on_invite/!r:test/t", "membership_change/!r:test/@x:test/joined",
                               "user_device_resync/@x:elsewhere");
    CHECK(worker.post(path, "{}", "192.0.2.1").status == 403);
    CHECK(worker.post(path, "{}", "127.0.0.1").status != 403);
}

TEST_CASE("who joined or left is said twice by Synapse's workers, and checked", "[synapse_calls]") {
    SynapseWorker worker;
    for (const std::string change : {"joined", "left"}) {
        const auto answer = worker.post("membership_change/!r:test/@x:elsewhere/" + change);
        CHECK(answer.status == 200);
        CHECK(answer.body == "{}");
    }
    CHECK(worker.errcode(worker.post("membership_change/!r:test/@x:test/banned")) == "M_INVALID_PARAM");
    CHECK(worker.errcode(worker.post("membership_change/r/@x:test/left")) == "M_INVALID_PARAM");
    CHECK(worker.errcode(worker.post("membership_change/!r:test/x/left")) == "M_INVALID_PARAM");
    CHECK(worker.errcode(worker.post("membership_change/!r:test/@x:test/left", "[")) == "M_NOT_JSON");
}

TEST_CASE("an invite to a room of ours that a worker of Synapse turns down becomes a leave",
          "[synapse_calls]") {
    SynapseWorker worker;
    const auto room = worker.fixture.create_room("alice");
    worker.fixture.change("alice", room, "invite", "bob");
    const auto path = "locally_reject_invite/" + room + "/@bob:test" + worker.transaction();
    const auto answer = worker.object(worker.post(path));
    CHECK(answer.size() == 1);
    const auto token = std::to_string(answer.at("stream_id").as_int64());
    CHECK(worker.sql(
              "SELECT membership, sender FROM events JOIN room_memberships USING (event_id, sender) WHERE "
              "stream_ordering = " +
              token) == Table{{"leave", "@bob:test"}});
    CHECK(worker.object(worker.post(path)) == answer);
    CHECK(worker.sql("SELECT membership FROM local_current_membership WHERE user_id = '@bob:test'") ==
          Table{{"leave"}});
}

TEST_CASE("an invite from outside that a worker of Synapse turns down is gone in every process",
          "[synapse_calls]") {
    SynapseWorker worker;
    const auto room = worker.fixture.create_room("alice");
    auto& reader = worker.fixture.start_worker("synchrotron1");
    const auto newest = [&] {
        return std::stoll(worker.sql("SELECT max(stream_ordering) FROM events")[0][0]);
    };
    const auto invite = std::to_string(newest() - 1000);
    worker.sql(
        "INSERT INTO events (stream_ordering, topological_ordering, event_id, type, room_id, processed, "
        "outlier, depth, sender) VALUES (" +
        invite +
        ", 7, '$invite', 'm.room.member', '!far:elsewhere', "
        "true, true, 7, '@carol:elsewhere');"
        "INSERT INTO room_memberships (event_id, user_id, sender, room_id, membership) VALUES ('$invite', "
        "'@bob:test', '@carol:elsewhere', '!far:elsewhere', 'invite');"
        "INSERT INTO local_invites (stream_id, inviter, invitee, event_id, room_id) VALUES (" +
        invite +
        ", '@carol:elsewhere', '@bob:test', '$invite', '!far:elsewhere');"
        "INSERT INTO local_current_membership (room_id, user_id, event_id, membership) VALUES "
        "('!far:elsewhere', '@bob:test', '$invite', 'invite')");
    const auto rooms_in = [&](TestProcess& process) {
        return worker.fixture.run(process.stores.states.rooms_of_user("@bob:test"))->size();
    };
    REQUIRE(rooms_in(*worker.fixture.master) == 1);
    REQUIRE(rooms_in(reader) == 1);

    const auto answer = worker.object(worker.call("locally_reject_invite/!far:elsewhere/@bob:test"));
    const auto token = answer.at("stream_id").as_int64();
    CHECK(token > newest());
    CHECK(rooms_in(*worker.fixture.master) == 0);
    CHECK(rooms_in(reader) == 0);
    CHECK(worker.sql("SELECT stream_id, locally_rejected FROM local_invites") ==
          Table{{std::to_string(token), "true"}});
    // The token has no row, but whoever waits for it may go on.
    CHECK(worker.fixture.master->streams.events.current() == token);
    CHECK(reader.streams.events.current() == token);
    // It is nobody else's, also after a restart.
    storage::PositionReader positions{worker.fixture.master->db};
    CHECK(positions.read_blocking().of("events") >= token);
    worker.fixture.say("alice", room, "next");
    CHECK(newest() > token);

    CHECK(worker.errcode(worker.call("locally_reject_invite/far/@bob:test")) == "M_INVALID_PARAM");
    CHECK(worker.errcode(worker.call("locally_reject_invite/!far:elsewhere/@carol:elsewhere")) ==
          "M_INVALID_PARAM");
}

TEST_CASE("the version of a room that somebody is invited to is kept", "[synapse_calls]") {
    SynapseWorker worker;
    const std::string path = "store_room_on_invite/!far:elsewhere";
    CHECK(worker.call(path, R"({"room_version": "5"})").body == "{}");
    CHECK(worker.call(path, R"({"room_version": "6"})").body == "{}");
    CHECK(worker.sql("SELECT room_version, is_public, creator FROM rooms") == Table{{"5", "f", ""}});
    CHECK(worker.errcode(worker.call(path, R"({"room_version": "none"})")) == "M_UNSUPPORTED_ROOM_VERSION");
    CHECK(worker.errcode(worker.call(path, R"({"room_version": 5})")) == "M_BAD_JSON");
    CHECK(worker.errcode(worker.call(path, "[]")) == "M_BAD_JSON");
    CHECK(worker.errcode(worker.call("store_room_on_invite/far", R"({"room_version": "5"})")) ==
          "M_INVALID_PARAM");
}

TEST_CASE("the devices of another server's user are nobody's, without federation", "[synapse_calls]") {
    SynapseWorker worker;
    const auto answer = worker.post("user_device_resync/@carol:elsewhere");
    CHECK(answer.status == 200);
    CHECK(answer.body == "null");
    CHECK(worker.errcode(worker.post("user_device_resync/@alice:test")) == "M_INVALID_PARAM");
    CHECK(worker.errcode(worker.post("user_device_resync/carol")) == "M_INVALID_PARAM");
}

TEST_CASE("what workers of Synapse have in memory is invalidated under its names", "[synapse_calls]") {
    SynapseWorker worker;
    REQUIRE(worker.register_user("@walter:test").status == 200);
    auto& rooms = worker.fixture.master->stores.admin_rooms;
    worker.fixture.run(rooms.set_blocked("!r:test", "@walter:test", true));
    worker.fixture.run(rooms.set_blocked("!r:test", "@walter:test", false));
    REQUIRE(worker.call("locally_reject_invite/!far:elsewhere/@walter:test").status == 200);
    CHECK(worker.sql(
              "SELECT cache_func, keys[1] FROM cache_invalidation_stream_by_instance WHERE cache_func <> "
              "'weft_event_writers' ORDER BY stream_id") ==
          Table{{"get_user_by_id", "@walter:test"},
                {"is_room_blocked", "!r:test"},
                {"is_room_blocked", "!r:test"},
                {"get_invited_rooms_for_local_user", "@walter:test"}});
}

TEST_CASE("what only the master can do is not served by a worker's RPC listener", "[synapse_calls]") {
    SynapseWorker worker;
    auto& process = worker.fixture.start_worker("synchrotron1");
    http::Router router;
    router.set_authenticator(
        replication::rpc_authenticator("", replication::UnauthenticatedRpc::kThisMachine));
    replication::RpcServer server{worker.fixture.io.get_executor(), process.clock, router};
    process.services.serve(server);
    const auto status_of = [&](const std::string& path) {
        http::Request request;
        request.method = http::Method::kPost;
        request.path = "/_synapse/replication/" + path;
        request.target = request.path;
        request.remote_address = "unix";
        request.body = "{}";
        return worker.fixture.run(router.handle(std::move(request))).status;
    };
    CHECK(status_of("register_user/@x:test/t") == 404);
    CHECK(status_of("post_register/@x:test/t") == 404);
    CHECK(status_of("device_check_registered/@x:test/t") == 404);
    CHECK(status_of("membership_change/!r:test/@x:test/joined") == 200);
    CHECK(status_of("store_room_on_invite/!r:test/t") == 400);
    worker.fixture.run(server.stop());
}
