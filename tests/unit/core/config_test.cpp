#include <catch2/catch.hpp>

#include "config_files.hpp"

using namespace weft;
using test::ConfigFiles;
using test::kMaster;
using test::kWorker;

TEST_CASE("a master's file and nothing else is a configuration, with defaults") {
    const auto config = ConfigFiles{}.load({kMaster});
    CHECK(config.server_name == "example.org");
    CHECK(config.is_master());
    CHECK(config.instance_name.get() == "master");
    CHECK(config.database.connection_string == "user='weft' host='/run/pg' dbname='weft'");
    REQUIRE(config.listeners.size() == 1);
    CHECK(config.listeners[0].port == 8008);
    CHECK(config.listeners[0].bind_addresses == std::vector<std::string>{"127.0.0.1"});
    CHECK(config.listeners[0].resources == std::vector<std::string>{"client"});
    CHECK_FALSE(config.enable_registration);
    CHECK(config.use_presence);
    CHECK(config.writers_of("events") == std::vector<std::string>{"master"});
    CHECK(config.writes("events"));
}

TEST_CASE("an empty file adds nothing") {
    CHECK(ConfigFiles{}.load({kMaster, "", "# only a comment\n"}).server_name == "example.org");
}

TEST_CASE("later files overlay earlier ones, key by key") {
    const auto config = ConfigFiles{}.load({kMaster + R"(
rc_message: {per_second: 1, burst_count: 2}
log: {level: debug, format: json}
trusted_proxies: ["10.0.0.1"]
)",
                                            R"(
server_name: example.net
rc_message: {burst_count: 20}
log: {level: error}
trusted_proxies: ["10.0.0.2", "10.0.0.3"]
)"});
    CHECK(config.server_name == "example.net");
    CHECK(config.rc_message.per_second == 1);
    CHECK(config.rc_message.burst_count == 20);
    CHECK(config.log.level == core::LogLevel::kError);
    CHECK(config.log.format == core::LogFormat::kJson);
    CHECK(config.trusted_proxies == std::vector<std::string>{"10.0.0.2", "10.0.0.3"});  // lists are replaced
}

TEST_CASE("a worker takes the common file and its own, but its own listeners only") {
    const auto config = ConfigFiles{}.load({kMaster, kWorker});
    CHECK_FALSE(config.is_master());
    CHECK(config.instance_name.get() == "synchrotron1");
    CHECK(config.worker_app == "weft.app.synchrotron");
    REQUIRE(config.listeners.size() == 1);
    CHECK(config.listeners[0].port == 8101);
    CHECK(config.replication_host == "127.0.0.1");
    CHECK(config.replication_port == 9000);
}

TEST_CASE("writers of streams are those that are named, also for the streams that go with them") {
    const auto map = R"(
instance_map:
  master: {host: a, port: 1}
  persister1: {host: b, port: 2}
  persister2: {path: /run/p2.sock}
stream_writers:
  events: [persister1]
  account_data: persister2
)";
    const auto config = ConfigFiles{}.load({kMaster, map});
    CHECK(config.writers_of("events") == std::vector<std::string>{"persister1"});
    CHECK(config.writers_of("backfill") == config.writers_of("events"));
    CHECK(config.writers_of("tag_account_data") == std::vector<std::string>{"persister2"});
    CHECK(config.writers_of("receipts") == std::vector<std::string>{"master"});
    CHECK_FALSE(config.writes("events"));
    CHECK(config.writes("receipts"));
    CHECK(config.instance_map.at("persister2").path == "/run/p2.sock");
}

TEST_CASE("the master's address for calls can be given by its port, in whatever order the keys stand") {
    const std::string no_map = kMaster.substr(0, kMaster.find("instance_map"));
    const auto early = "worker_replication_http_port: 9093\nworker_replication_host: 10.0.0.5\n" + kWorker;
    const auto late = kWorker + "worker_replication_host: 10.0.0.5\nworker_replication_http_port: 9093\n";
    for (const auto& worker : {early, late}) {
        const auto config = ConfigFiles{}.load({no_map, worker});
        CHECK(config.instance_map.at("master").host == "10.0.0.5");
        CHECK(config.instance_map.at("master").port == 9093);
    }
    const auto config = ConfigFiles{}.load({kMaster, early});
    CHECK(config.instance_map.at("master").port == 9001);  // instance_map goes before it
}

TEST_CASE("where processes meet at Redis a worker needs no port of the master's") {
    const auto at = kWorker.find("worker_replication_port");
    auto worker = kWorker;
    worker.erase(at, kWorker.find('\n', at) + 1 - at);
    CHECK(ConfigFiles{}.load({kMaster + "redis: {enabled: true}\n", worker}).redis.enabled);
}

TEST_CASE("every key is read to where it belongs") {
    const auto config = ConfigFiles{}.load({kMaster + R"(
public_baseurl: https://matrix.example.org/
worker_replication_secret: secret
redis: {enabled: true, host: cache, port: 7000, path: /run/redis.sock, password: pw}
replication_dialect: synapse-1.15
replication_tls: {ca: /tls/ca.crt, certificate: /tls/master.crt, key: /tls/master.key}
worker_replication_path: /run/replication.sock
allow_insecure: true
allow_unauthenticated_rpc: true
enable_registration: true
enable_registration_without_verification: yes
registration_requires_token: on
allow_guest_access: true
registration_shared_secret: sesame
macaroon_secret_key: macaroon
password_config: {enabled: false}
default_room_version: "10"
presence: {enabled: false}
enable_room_list_search: false
require_auth_for_profile_requests: true
rc_registration: {per_second: 0.5}
rc_login:
  address: {per_second: 1}
  account: {per_second: 2}
  failed_attempts: {burst_count: 3}
rc_joins: {local: {per_second: 4}, remote: {per_second: 5}}
rc_invites: {per_room: {per_second: 6}, per_user: {per_second: 7}}
rc_admin_redaction: {per_second: 8}
event_cache_size: 1000
max_request_body_size: 2M
)"});
    CHECK(config.public_baseurl == "https://matrix.example.org/");
    CHECK(config.replication_secret == "secret");
    CHECK(config.replication_dialect == "synapse-1.15");
    CHECK(config.replication_tls.ca == "/tls/ca.crt");
    CHECK(config.replication_tls.certificate == "/tls/master.crt");
    CHECK(config.replication_tls.key == "/tls/master.key");
    CHECK(config.replication_path == "/run/replication.sock");
    CHECK(config.allow_insecure);
    CHECK(config.allow_unauthenticated_rpc);
    CHECK(config.redis.enabled);
    CHECK(config.redis.host == "cache");
    CHECK(config.redis.port == 7000);
    CHECK(config.redis.path == "/run/redis.sock");
    CHECK(config.redis.password == "pw");
    CHECK(config.enable_registration);
    CHECK(config.enable_registration_without_verification);
    CHECK(config.registration_requires_token);
    CHECK(config.allow_guest_access);
    CHECK(config.registration_shared_secret == "sesame");
    CHECK(config.macaroon_secret_key == "macaroon");
    CHECK_FALSE(config.password_login_enabled);
    CHECK(config.default_room_version == "10");
    CHECK_FALSE(config.use_presence);
    CHECK_FALSE(config.enable_room_list_search);
    CHECK(config.require_auth_for_profile_requests);
    CHECK(config.rc_registration.per_second == 0.5);
    CHECK(config.rc_login.address.per_second == 1);
    CHECK(config.rc_login.account.per_second == 2);
    CHECK(config.rc_login.failed_attempts.burst_count == 3);
    CHECK(config.rc_joins.local.per_second == 4);
    CHECK(config.rc_joins.remote.per_second == 5);
    CHECK(config.rc_invites.per_room.per_second == 6);
    CHECK(config.rc_invites.per_user.per_second == 7);
    CHECK(config.rc_admin_redaction.per_second == 8);
    CHECK(config.event_cache_entries == 1000);
    CHECK(config.http_body_bytes_max == 2 * 1024 * 1024);
}

TEST_CASE("listeners and the database take all of their own keys") {
    const auto config = ConfigFiles{}.load({kMaster, R"(
listeners:
  - type: http
    port: 1
    tls: false
    bind_addresses: ["::1", 127.0.0.1]
    x_forwarded: true
    resources:
      - {names: [client, health], compress: false}
      - {names: [replication]}
  - {type: metrics, path: /run/metrics.sock}
  - {type: replication, port: 2, bind_address: 0.0.0.0}
allow_insecure: true
database:
  name: psycopg2
  args: {user: u, password: "it's \\ secret", host: h, port: 5432, database: d, sslmode: require, cp_min: 5, cp_max: 20}
)"});
    REQUIRE(config.listeners.size() == 3);
    CHECK(config.listeners[0].bind_addresses == std::vector<std::string>{"::1", "127.0.0.1"});
    CHECK(config.listeners[0].resources == std::vector<std::string>{"client", "health", "replication"});
    CHECK(config.listeners[0].x_forwarded);
    CHECK(config.listeners[1].type == core::ListenerType::kMetrics);
    CHECK(config.listeners[1].path == "/run/metrics.sock");
    CHECK(config.listeners[2].type == core::ListenerType::kReplication);
    CHECK(config.listeners[2].bind_addresses == std::vector<std::string>{"0.0.0.0"});
    CHECK(config.database.connections_max == 20);
    CHECK(config.database.connection_string ==
          R"(user='u' password='it\'s \\ secret' host='h' port='5432' dbname='d' sslmode='require')");
}

TEST_CASE("state groups may have a database of their own") {
    const std::string state = "{name: psycopg2, data_stores: [state], args: {host: h, dbname: state}}";
    const auto beside = ConfigFiles{}.load({kMaster + "\ndatabases: {box: " + state + "}\n"});
    CHECK(beside.database.connection_string == "user='weft' host='/run/pg' dbname='weft'");
    REQUIRE(beside.state_database);
    CHECK(beside.state_database->connection_string == "host='h' dbname='state'");
    CHECK_FALSE(ConfigFiles{}.load({kMaster}).state_database);

    const auto fails = [](const std::string& databases) {
        try {
            ConfigFiles{}.load({kMaster + "\ndatabases: " + databases + "\n"});
        } catch (const core::ConfigError& error) {
            return std::string{error.what()};
        }
        return std::string{};
    };
    CHECK(fails("{a: {data_stores: [main, state], args: {dbname: a}}}").find("only one of them") != std::string::npos);
    CHECK(fails("{a: " + state + ", b: " + state + "}").find("another database has state") != std::string::npos);
    CHECK(fails("{a: {data_stores: [rooms], args: {dbname: a}}}").find("expected main or state") != std::string::npos);
    CHECK(fails("{a: {args: {dbname: a}}}").find("data_stores") != std::string::npos);
}
