#include <limits>
#include <set>

#include "config/key.hpp"

/// Sockets, database, logs, and how the processes of a cluster find each other.
namespace weft::core::config {
namespace {

ListenerConfig read_listener(const Place& at) {
    static const std::set<std::string> kResources{"client", "replication", "metrics", "health"};
    ListenerConfig out;
    bool typed = false;
    bool placed = false;
    for_each_entry(at, [&](const std::string& key, const Place& value) {
        if (key == "type") {
            const auto type = read_string(value);
            if (type == "http") {
                out.type = ListenerType::kHttp;
            } else if (type == "replication") {
                out.type = ListenerType::kReplication;
            } else if (type == "metrics") {
                out.type = ListenerType::kMetrics;
            } else {
                value.fail("expected http, replication or metrics");
            }
            typed = true;
        } else if (key == "port") {
            out.port = read_port(value);
            placed = true;
        } else if (key == "path") {
            out.path = read_string(value);
            placed = true;
        } else if (key == "bind_addresses") {
            out.bind_addresses = read_strings(value);
        } else if (key == "bind_address") {
            out.bind_addresses = {read_string(value)};
        } else if (key == "x_forwarded") {
            out.x_forwarded = read_bool(value);
        } else if (key == "tls") {
            if (read_bool(value)) value.fail("TLS is terminated by the proxy: expected false");
        } else if (key == "resources") {
            for_each_item(value, [&](const Place& resource) {
                for_each_entry(resource, [&](const std::string& field, const Place& names) {
                    if (field == "compress") {
                        read_bool(names);
                    } else if (field == "names") {
                        for_each_item(names, [&](const Place& name) {
                            const auto text = read_string(name);
                            if (!kResources.contains(text))
                                name.fail("expected client, replication, metrics or health");
                            out.resources.push_back(text);
                        });
                    } else {
                        names.fail("unknown key");
                    }
                });
            });
        } else {
            value.fail("unknown key");
        }
    });
    if (!typed) at.fail("a listener needs a type");
    if (!placed) at.fail("a listener needs a port or a path");
    return out;
}

std::vector<ListenerConfig> read_listeners(const Place& at) {
    std::vector<ListenerConfig> out;
    for_each_item(at, [&](const Place& item) { out.push_back(read_listener(item)); });
    return out;
}

std::string quote_conninfo(const std::string& value) {
    std::string out = "'";
    for (const char c : value) {
        if (c == '\'' || c == '\\') out += '\\';
        out += c;
    }
    return out + "'";
}

struct NamedDatabase {
    DatabaseConfig database;
    std::set<std::string> data_stores;
};

NamedDatabase read_one_database(const Place& at) {
    NamedDatabase read;
    auto& out = read.database;
    for_each_entry(at, [&](const std::string& key, const Place& value) {
        if (key == "name") {
            if (read_string(value) != "psycopg2") value.fail("only PostgreSQL (psycopg2) is supported");
        } else if (key == "args") {
            static const std::map<std::string, std::string> kLibpq{{"user", "user"},
                                                                   {"password", "password"},
                                                                   {"host", "host"},
                                                                   {"port", "port"},
                                                                   {"dbname", "dbname"},
                                                                   {"database", "dbname"},
                                                                   {"sslmode", "sslmode"},
                                                                   {"sslrootcert", "sslrootcert"},
                                                                   {"sslcert", "sslcert"},
                                                                   {"sslkey", "sslkey"},
                                                                   {"connect_timeout", "connect_timeout"},
                                                                   {"keepalives_idle", "keepalives_idle"}};
            for_each_entry(value, [&](const std::string& arg, const Place& text) {
                if (arg == "cp_max") {
                    out.connections_max = static_cast<std::size_t>(read_integer(text, 1, 1000));
                } else if (arg == "cp_min") {
                    read_integer(text, 0, 1000);
                } else if (const auto found = kLibpq.find(arg); found != kLibpq.end()) {
                    if (!out.connection_string.empty()) out.connection_string += ' ';
                    out.connection_string += found->second + "=" + quote_conninfo(read_string(text));
                } else {
                    text.fail("unknown key");
                }
            });
        } else if (key == "data_stores") {
            for (auto& store : read_strings(value)) {
                if (store != "main" && store != "state") value.fail("expected main or state");
                read.data_stores.insert(std::move(store));
            }
        } else {
            value.fail("unknown key");
        }
    });
    if (out.connection_string.empty()) at.fail("args must say where the database is");
    return read;
}

void read_database(Config& config, const Place& at) {
    auto read = read_one_database(at);
    if (!read.data_stores.empty()) at.fail("data_stores belongs under databases");
    config.database = std::move(read.database);
}

void read_databases(Draft& config, const Place& at) {
    std::map<std::string, DatabaseConfig> of_store;
    for_each_entry(at, [&](const std::string&, const Place& value) {
        auto read = read_one_database(value);
        if (read.data_stores.empty()) value.fail("data_stores must say what is kept there: main, state");
        for (const auto& store : read.data_stores) {
            if (!of_store.emplace(store, read.database).second) value.fail("another database has " + store + " already");
        }
    });
    if (!of_store.contains("state")) at.fail("no database has state");
    config.databases_have_main = of_store.contains("main");
    if (config.databases_have_main) config.database = of_store.at("main");
    config.state_database = of_store.at("state");
}

void read_instance_map(Config& config, const Place& at) {
    config.instance_map.clear();
    for_each_entry(at, [&](const std::string& name, const Place& value) {
        InstanceAddress address;
        for_each_entry(value, [&](const std::string& key, const Place& field) {
            if (key == "host") {
                address.host = read_string(field);
            } else if (key == "port") {
                address.port = read_port(field);
            } else if (key == "path") {
                address.path = read_string(field);
            } else {
                field.fail("unknown key");
            }
        });
        if (address.path.empty() && (address.host.empty() || address.port == 0))
            value.fail("needs host and port, or path");
        config.instance_map[name] = std::move(address);
    });
}

void read_stream_writers(Config& config, const Place& at) {
    static const std::set<std::string> kStreams{"events",       "typing",       "receipts",     "presence",
                                                "account_data", "to_device",    "device_lists", "push_rules",
                                                "pushers",      "public_rooms", "federation",   "groups"};
    config.stream_writers.clear();
    for_each_entry(at, [&](const std::string& stream, const Place& value) {
        if (const auto leader = written_with().find(stream); leader != written_with().end()) {
            value.fail("has the writers of " + leader->second);
        }
        if (stream == "caches") value.fail("every process writes it");
        if (!kStreams.contains(stream)) value.fail("unknown stream");
        config.stream_writers[stream] =
            value.node.IsScalar() ? std::vector{read_string(value)} : read_strings(value);
        if (config.stream_writers[stream].empty()) value.fail("names no writer");
    });
}

}  // namespace

const std::map<std::string, std::string>& written_with() {
    static const std::map<std::string, std::string> leaders{
        {"backfill", "events"}, {"tag_account_data", "account_data"}, {"user_signature", "device_lists"}};
    return leaders;
}

std::vector<Key> process_keys() {
    return {
        string_key("server_name", "The domain part of this server's user IDs. Can never be changed.",
                   &Config::server_name),
        string_key("public_baseurl",
                   "The URL clients reach the server under; told in /.well-known/matrix/client.",
                   &Config::public_baseurl),
        {"listeners",
         "list",
         "Sockets of the master: type (http, replication, metrics), port and bind_addresses or path, "
         "resources, x_forwarded.",
         [](Config& config, const Place& at) { config.listeners = read_listeners(at); },
         {}},
        {"database",
         "map",
         "PostgreSQL: name psycopg2, args {user, password, host, port, dbname, cp_max}.",
         read_database,
         {}},
        {"databases",
         "map",
         "If state groups are to have a PostgreSQL of their own: by any name, what database has, and "
         "data_stores, a list of main and state. Without main, that is in database.",
         read_databases,
         {}},
        string_key("signing_key_path", "File with the server's ed25519 signing key.",
                   &Config::signing_key_path),
        {"log",
         "map",
         "What is logged, on standard error.",
         nullptr,
         {{"level",
           "string",
           "debug, info, warning or error.",
           [](Config& config, const Place& at) {
               static const std::map<std::string, LogLevel> kLevels{{"debug", LogLevel::kDebug},
                                                                    {"info", LogLevel::kInfo},
                                                                    {"warning", LogLevel::kWarning},
                                                                    {"error", LogLevel::kError}};
               const auto found = kLevels.find(read_string(at));
               if (found == kLevels.end()) at.fail("expected debug, info, warning or error");
               config.log.level = found->second;
           },
           {}},
          {"format",
           "string",
           "text or json (one object a line).",
           [](Config& config, const Place& at) {
               const auto text = read_string(at);
               if (text != "text" && text != "json") at.fail("expected text or json");
               config.log.format = text == "json" ? LogFormat::kJson : LogFormat::kText;
           },
           {}}}},
        string_key(
            "worker_app",
            "The kind of a worker: weft.app.synchrotron, weft.app.client_reader, weft.app.event_persister, "
            "weft.app.media.",
            &Config::worker_app),
        {"worker_name",
         "string",
         "The worker's name in the cluster; unique.",
         [](Config& config, const Place& at) {
             const auto name = read_string(at);
             if (name.empty() || name.find_first_of(" \t\r\n") != std::string::npos)
                 at.fail("expected a name without spaces");
             config.instance_name = InstanceName{name};
         },
         {}},
        string_key("worker_replication_host", "Where the master's replication listener is.",
                   &Config::replication_host),
        port_key("worker_replication_port", "Port of the master's replication listener.",
                 &Config::replication_port),
        string_key("worker_replication_path",
                   "Unix socket of the master's replication listener, instead of host and port.",
                   &Config::replication_path),
        string_key("shared_positions_path",
                   "File by which processes of one machine tell each other what they have written: whoever reads after a write "
                   "was acknowledged sees it, at whichever of them. The same for all of them.",
                   &Config::shared_positions_path),
        {"worker_replication_http_port",
         "integer",
         "Port of the master's listener for calls between processes; used if instance_map has no master.",
         [](Draft& draft, const Place& at) { draft.replication_http_port = read_port(at); },
         {}},
        {"worker_listeners",
         "list",
         "Sockets of a worker, as listeners.",
         [](Draft& draft, const Place& at) { draft.worker_listeners = read_listeners(at); },
         {}},
        string_key("worker_replication_secret", "Shared secret of calls between the cluster's processes.",
                   &Config::replication_secret),
        {"replication_dialect",
         "string",
         "weft or synapse-1.15: spelling of the few commands that differ.",
         [](Config& config, const Place& at) {
             config.replication_dialect = read_string(at);
             if (config.replication_dialect != "weft" && config.replication_dialect != "synapse-1.15")
                 at.fail("expected weft or synapse-1.15");
         },
         {}},
        {"replication_tls",
         "map",
         "TLS of all TCP connections between processes; both ends show a certificate.",
         nullptr,
         {{"ca",
           "string",
           "File with the certificate of the authority that both ends trust.",
           [](Config& config, const Place& at) { config.replication_tls.ca = read_string(at); },
           {}},
          {"certificate",
           "string",
           "File with this process' certificate, issued to its name or host.",
           [](Config& config, const Place& at) { config.replication_tls.certificate = read_string(at); },
           {}},
          {"key",
           "string",
           "File with the certificate's private key.",
           [](Config& config, const Place& at) { config.replication_tls.key = read_string(at); },
           {}}}},
        bool_key("allow_insecure",
                 "Whether processes may listen for each other beyond this machine without TLS.",
                 &Config::allow_insecure),
        bool_key("allow_unauthenticated_rpc",
                 "Whether calls from this machine need no worker_replication_secret; for processes that know "
                 "none.",
                 &Config::allow_unauthenticated_rpc),
        {"redis",
         "map",
         "Replication by Redis pub/sub: all processes, the master too, are clients of one Redis.",
         nullptr,
         {{"enabled",
           "boolean",
           "Whether replication goes by Redis; then no process has a replication listener.",
           [](Config& config, const Place& at) { config.redis.enabled = read_bool(at); },
           {}},
          {"host",
           "string",
           "Where Redis is.",
           [](Config& config, const Place& at) { config.redis.host = read_string(at); },
           {}},
          {"port",
           "integer",
           "Redis' port.",
           [](Config& config, const Place& at) { config.redis.port = read_port(at); },
           {}},
          {"path",
           "string",
           "Redis' unix socket, instead of host and port.",
           [](Config& config, const Place& at) { config.redis.path = read_string(at); },
           {}},
          {"password",
           "string",
           "Password for AUTH; empty: none.",
           [](Config& config, const Place& at) { config.redis.password = read_string(at); },
           {}}}},
        {"instance_map",
         "map",
         "Address for calls between processes of each instance: {name: {host, port}} or {name: {path}}.",
         read_instance_map,
         {}},
        {"stream_writers",
         "map",
         "Which instances write a stream, e.g. {events: [event_persister1]}; the master where none is named.",
         read_stream_writers,
         {}},
        {"trusted_proxies",
         "list",
         "Addresses whose X-Forwarded-For is believed.",
         [](Config& config, const Place& at) { config.trusted_proxies = read_strings(at); },
         {}},
        {"event_cache_size",
         "integer",
         "Events kept in memory by each process.",
         [](Config& config, const Place& at) {
             config.event_cache_entries = static_cast<std::size_t>(read_integer(at, 100, 100'000'000));
         },
         {}},
        {"max_request_body_size",
         "string",
         "Greatest request body, e.g. 1M; media has its own.",
         [](Config& config, const Place& at) { config.http_body_bytes_max = read_size(at); },
         {}},
    };
}

}  // namespace weft::core::config
