#include <catch2/catch.hpp>

#include "config_files.hpp"

using namespace weft;
using test::ConfigFiles;
using test::kMaster;
using test::kWorker;

namespace {

/// A mistake in a second file, and what is said about it.
struct Mistake {
    std::string text;
    std::string error;
};

void check_all(const std::vector<Mistake>& mistakes, const std::string& first = kMaster) {
    for (const auto& mistake : mistakes) {
        CAPTURE(mistake.text);
        CHECK(ConfigFiles{}.error({first, mistake.text}) == mistake.error);
    }
}

}  // namespace

TEST_CASE("files that cannot be read are errors") {
    ConfigFiles files;
    CHECK_THROWS_WITH(core::load_config({}), "no configuration file given (-c FILE)");
    CHECK_THROWS_WITH(core::load_config({files.path("none.yaml")}),
                      files.path("none.yaml") + ": cannot be read");
    const auto broken = files.error({"a: 1\nb: [1, 2\n"});
    CHECK(broken.starts_with("1.yaml:3: not valid YAML: "));
    CHECK(files.error({"- server_name\n"}) == "1.yaml:1: expected a map");
    CHECK(files.error({"text"}) == "1.yaml:1: expected a map");
}

TEST_CASE("an unknown key is an error that says file, line and key") {
    check_all({{"\n\nserver_nane: x\n", "2.yaml:3: server_nane: unknown key"},
               {"rc_message:\n  per_second: 1\n  burst: 2\n", "2.yaml:3: rc_message.burst: unknown key"},
               {"rc_login:\n  adress: {per_second: 1}\n", "2.yaml:2: rc_login.adress: unknown key"},
               {"listeners:\n  - type: http\n    prot: 1\n", "2.yaml:3: listeners[0].prot: unknown key"},
               {"listeners:\n  - {type: http, port: 1, resources: [{name: [client]}]}\n",
                "2.yaml:2: listeners[0].resources[0].name: unknown key"},
               {"database:\n  nome: psycopg2\n", "2.yaml:2: database.nome: unknown key"},
               {"database:\n  args:\n    usr: x\n", "2.yaml:3: database.args.usr: unknown key"},
               {"instance_map:\n  a: {hots: x}\n", "2.yaml:2: instance_map.a.hots: unknown key"},
               {"stream_writers:\n  evnets: [master]\n", "2.yaml:2: stream_writers.evnets: unknown stream"},
               {"? [a]\n: 1\n", "2.yaml:1: unknown key"}});
}

TEST_CASE("a value of the wrong type is an error that says what was expected") {
    check_all({{"server_name: [x]\n", "2.yaml:1: server_name: expected a string"},
               {"server_name:\n", "2.yaml:1: server_name: expected a string"},
               {"enable_registration: maybe\n", "2.yaml:1: enable_registration: expected true or false"},
               {"enable_registration: [true]\n", "2.yaml:1: enable_registration: expected true or false"},
               {"event_cache_size: many\n", "2.yaml:1: event_cache_size: expected an integer"},
               {"event_cache_size: 1.5\n", "2.yaml:1: event_cache_size: expected an integer"},
               {"rc_message: 5\n", "2.yaml:1: rc_message: expected a map"},
               {"rc_message: {per_second: fast}\n",
                "2.yaml:1: rc_message.per_second: expected a number of at least 0"},
               {"listeners: 8008\n", "2.yaml:1: listeners: expected a list"},
               {"listeners: [8008]\n", "2.yaml:1: listeners[0]: expected a map"},
               {"trusted_proxies: 127.0.0.1\n", "2.yaml:1: trusted_proxies: expected a list"},
               {"trusted_proxies: [[a]]\n", "2.yaml:1: trusted_proxies[0]: expected a string"},
               {"instance_map: []\n", "2.yaml:1: instance_map: expected a map"},
               {"stream_writers:\n  events: {a: b}\n", "2.yaml:2: stream_writers.events: expected a list"}});
}

TEST_CASE("a value out of its range is an error") {
    const std::string number = "expected a number of at least 0";
    const std::string size = "expected a size, e.g. 1048576, 64K or 50M";
    check_all(
        {{"worker_replication_port: 65536\n",
          "2.yaml:1: worker_replication_port: expected an integer between 0 and 65535"},
         {"worker_replication_port: -1\n",
          "2.yaml:1: worker_replication_port: expected an integer between 0 and 65535"},
         {"event_cache_size: 1\n",
          "2.yaml:1: event_cache_size: expected an integer between 100 and 100000000"},
         {"rc_message: {per_second: -1}\n", "2.yaml:1: rc_message.per_second: " + number},
         {"rc_message: {per_second: .nan}\n", "2.yaml:1: rc_message.per_second: " + number},
         {"rc_message: {burst_count: .inf}\n", "2.yaml:1: rc_message.burst_count: " + number},
         {"max_request_body_size: 1G\n", "2.yaml:1: max_request_body_size: " + size},
         {"max_request_body_size: M\n", "2.yaml:1: max_request_body_size: " + size},
         {"max_request_body_size: -5\n", "2.yaml:1: max_request_body_size: " + size},
         {"max_request_body_size: 9999999999999\n", "2.yaml:1: max_request_body_size: " + size},
         {"log: {level: loud}\n", "2.yaml:1: log.level: expected debug, info, warning or error"},
         {"log: {format: xml}\n", "2.yaml:1: log.format: expected text or json"},
         {"replication_dialect: latin\n", "2.yaml:1: replication_dialect: expected weft or synapse-1.15"},
         {"worker_name: a b\n", "2.yaml:1: worker_name: expected a name without spaces"},
         {"worker_name: ''\n", "2.yaml:1: worker_name: expected a name without spaces"},
         {"database: {name: sqlite3}\n", "2.yaml:1: database.name: only PostgreSQL (psycopg2) is supported"},
         {"database: {name: psycopg2}\n", "2.yaml:1: database: args must say where the database is"},
         {"database: {args: {cp_max: 0}}\n",
          "2.yaml:1: database.args.cp_max: expected an integer between 1 and 1000"}});
}

TEST_CASE("a listener that is not one is an error") {
    check_all(
        {{"listeners:\n  - {type: ftp, port: 1}\n",
          "2.yaml:2: listeners[0].type: expected http, replication or metrics"},
         {"listeners:\n  - {port: 1}\n", "2.yaml:2: listeners[0]: a listener needs a type"},
         {"listeners:\n  - {type: http}\n", "2.yaml:2: listeners[0]: a listener needs a port or a path"},
         {"listeners:\n  - {type: http, port: 1, tls: true}\n",
          "2.yaml:2: listeners[0].tls: TLS is terminated by the proxy: expected false"},
         {"listeners:\n  - {type: http, port: 1, resources: [{names: [client, web]}]}\n",
          "2.yaml:2: listeners[0].resources[0].names[1]: expected client, replication, metrics or health"},
         {"instance_map: {a: {host: x}}\n", "2.yaml:1: instance_map.a: needs host and port, or path"}});
}

TEST_CASE("what is missing is an error that names the last file") {
    const auto without = [](const std::string& key) {
        std::string text = kMaster;
        const auto from = text.find(key + ":");
        auto to = text.find('\n', from) + 1;
        while (to < text.size() && text[to] == ' ') to = text.find('\n', to) + 1;
        return text.erase(from, to - from);
    };
    for (const std::string key : {"server_name", "signing_key_path", "database", "listeners"}) {
        CHECK(ConfigFiles{}.error({without(key), ""}) == fmt::format("2.yaml: {}: missing", key));
    }
    const auto no_listeners = kWorker.substr(0, kWorker.find("worker_listeners"));
    CHECK(ConfigFiles{}.error({kMaster, no_listeners}) == "2.yaml: worker_listeners: missing");
    CHECK(ConfigFiles{}.error({kMaster + "listeners: []\n"}) == "1.yaml:10: listeners: missing");
    CHECK(ConfigFiles{}.error({without("instance_map"), kWorker}) ==
          "2.yaml: instance_map: the master is missing");
}

TEST_CASE("a worker and a master are not mixed up") {
    const auto without_line = [](std::string text, const std::string& key) {
        const auto from = text.find(key);
        return text.erase(from, text.find('\n', from) + 1 - from);
    };
    const auto error = [](const std::string& worker) { return ConfigFiles{}.error({kMaster, worker}); };
    CHECK(error(without_line(kWorker, "worker_name")) ==
          "2.yaml: worker_name: a worker needs a name of its own");
    CHECK(error(kWorker + "worker_name: master\n") ==
          "2.yaml:6: worker_name: a worker needs a name of its own");
    CHECK(error(without_line(kWorker, "worker_app")) ==
          "2.yaml:1: worker_name: the master's name is always master; worker_app is missing");
    CHECK(error("worker_listeners: [{type: http, port: 1}]\n") ==
          "2.yaml:1: worker_listeners: the master has listeners; worker_app is missing");
    CHECK(error(without_line(kWorker, "worker_replication_port")) ==
          "2.yaml: worker_replication_port: a worker needs the master's replication port");
    CHECK(error("worker_app: weft.app.homeserver\n").empty());
}

TEST_CASE("contradictions are errors that say where the key stands, whichever file it is in") {
    check_all(
        {{"stream_writers:\n  events: [persister1]\n",
          "2.yaml:2: stream_writers.events: persister1 is not in instance_map"},
         {"stream_writers: {events: [master, master]}\n",
          "2.yaml:1: stream_writers.events: master is named twice"},
         {"stream_writers:\n  events: []\n", "2.yaml:2: stream_writers.events: names no writer"},
         {"instance_map: {master: {path: /a}, b: {path: /b}}\nstream_writers:\n  typing: [master, b]\n",
          "2.yaml:3: stream_writers.typing: a stream can have one writer only"},
         {"redis: {enabled: true}\nlisteners:\n  - {type: replication, port: 1}\n",
          "2.yaml:1: redis.enabled: a listener of type replication has no use: processes meet at Redis"},
         {"replication_tls: {ca: /ca.crt, key: /master.key}\n",
          "2.yaml:1: replication_tls: needs ca, certificate and key"},
         {"\nenable_registration: true\n",
          "2.yaml:2: enable_registration: open registration needs registration_requires_token or "
          "enable_registration_without_verification"}});
    CHECK(ConfigFiles{}.error({kMaster + "enable_registration: true\n", kWorker}).starts_with("1.yaml:10: "));
    check_all({{"enable_registration: true\nregistration_requires_token: true\n", ""},
               {"enable_registration: true\nenable_registration_without_verification: true\n", ""}});
}

TEST_CASE("processes listen for each other beyond this machine only with TLS, or where that was asked for") {
    const std::string why =
        "2.yaml:1: listeners: processes would talk beyond this machine in the clear: set replication_tls, or "
        "allow_insecure";
    const std::string wide = "bind_addresses: [127.0.0.1, 0.0.0.0]";
    const auto replication = "listeners: [{type: replication, port: 1, " + wide + "}]\n";
    const std::string rpc =
        "listeners: [{type: http, port: 1, bind_address: '::', resources: [{names: [replication]}]}]\n";
    const auto client = "listeners: [{type: http, port: 1, " + wide + ", resources: [{names: [client]}]}]\n";
    check_all(
        {{replication, why},
         {rpc, why},
         {replication + "allow_insecure: true\n", ""},
         {rpc + "replication_tls: {ca: /ca, certificate: /crt, key: /key}\n", ""},
         {client, ""},
         {"listeners: [{type: replication, path: /run/replication.sock}]\n", ""},
         {"listeners: [{type: replication, port: 1, bind_addresses: [localhost, 127.0.0.9, '::1']}]\n", ""}});
}
