#include "weft/core/config.hpp"

#include <cmath>
#include <functional>
#include <limits>
#include <set>

#include <yaml-cpp/yaml.h>

namespace weft::core {
namespace {

/// Where each key was set last, as FILE:LINE.
using SetAt = std::map<std::string, std::string>;

/// A node and where it stands, for error messages.
struct Place {
    const YAML::Node& node;
    const std::string& file;
    std::string path;
    int line;  // of the key, else of the value
    SetAt& set_at;

    std::string position() const { return fmt::format("{}:{}", file, line + 1); }
    [[noreturn]] void fail(const std::string& why) const {
        throw ConfigError{path.empty() ? fmt::format("{}: {}", position(), why) : fmt::format("{}: {}: {}", position(), path, why)};
    }
    Place child(const YAML::Node& value, const std::string& key, int line_of_it) const {
        const bool glued = path.empty() || key.starts_with('[');
        Place place{value, file, glued ? path + key : path + "." + key, line_of_it, set_at};
        set_at.insert_or_assign(place.path, place.position());
        return place;
    }
};

std::string read_string(const Place& at) {
    if (!at.node.IsScalar()) at.fail("expected a string");
    return at.node.Scalar();
}

bool read_bool(const Place& at) {
    bool value = false;
    if (!at.node.IsScalar() || !YAML::convert<bool>::decode(at.node, value)) at.fail("expected true or false");
    return value;
}

std::int64_t read_integer(const Place& at, std::int64_t min, std::int64_t max) {
    std::int64_t value = 0;
    if (!at.node.IsScalar() || !YAML::convert<std::int64_t>::decode(at.node, value)) at.fail("expected an integer");
    if (value < min || value > max) at.fail(fmt::format("expected an integer between {} and {}", min, max));
    return value;
}

std::uint16_t read_port(const Place& at) { return static_cast<std::uint16_t>(read_integer(at, 0, 65535)); }

double read_number(const Place& at) {
    double value = 0;
    const bool read = at.node.IsScalar() && YAML::convert<double>::decode(at.node, value);
    if (!read || !std::isfinite(value) || value < 0) at.fail("expected a number of at least 0");
    return value;
}

/// A size such as 1048576, 50M or 64K.
std::size_t read_size(const Place& at) {
    auto text = read_string(at);
    std::size_t unit = 1;
    if (!text.empty() && (text.back() == 'M' || text.back() == 'K')) {
        unit = text.back() == 'M' ? 1024 * 1024 : 1024;
        text.pop_back();
    }
    if (text.empty() || text.size() > 12 || text.find_first_not_of("0123456789") != std::string::npos) {
        at.fail("expected a size, e.g. 1048576, 64K or 50M");
    }
    return std::stoull(text) * unit;
}

template <class Function>
void for_each_item(const Place& at, Function function) {
    if (!at.node.IsSequence()) at.fail("expected a list");
    for (std::size_t i = 0; i < at.node.size(); ++i) {
        const auto item = at.node[i];
        function(at.child(item, fmt::format("[{}]", i), item.Mark().line));
    }
}

template <class Function>
void for_each_entry(const Place& at, Function function) {
    if (!at.node.IsMap()) at.fail("expected a map");
    for (const auto& entry : at.node) {
        const auto& key = entry.first.Scalar();
        function(key, at.child(entry.second, key, entry.first.Mark().line));
    }
}

std::vector<std::string> read_strings(const Place& at) {
    std::vector<std::string> out;
    for_each_item(at, [&](const Place& item) { out.push_back(read_string(item)); });
    return out;
}

/// The configuration while it is read: with what is decided only when all is known.
struct Draft : Config {
    std::vector<ListenerConfig> worker_listeners;
    std::uint16_t replication_http_port = 0;
    SetAt set_at;

    bool is_worker() const { return !worker_app.empty() && worker_app != "weft.app.homeserver"; }
};

using Reader = std::function<void(Draft&, const Place&)>;

/// A key, its documentation and how it is read. A map of fixed keys has `children` instead of a reader.
struct Key {
    std::string name;
    std::string type;
    std::string text;
    Reader read;
    std::vector<Key> children;
};

template <class Member>
Key limit_key(std::string name, std::string text, Member member) {
    return {std::move(name), "map", std::move(text), nullptr,
            {{"per_second", "number", "Actions a second that refill the bucket.",
              [member](Config& config, const Place& at) { member(config).per_second = read_number(at); }, {}},
             {"burst_count", "number", "Actions allowed at once before the rate applies.",
              [member](Config& config, const Place& at) { member(config).burst_count = read_number(at); }, {}}}};
}

Key string_key(std::string name, std::string text, std::string Config::*member) {
    return {std::move(name), "string", std::move(text), [member](Config& config, const Place& at) { config.*member = read_string(at); }, {}};
}

Key bool_key(std::string name, std::string text, bool Config::*member) {
    return {std::move(name), "boolean", std::move(text), [member](Config& config, const Place& at) { config.*member = read_bool(at); }, {}};
}

Key port_key(std::string name, std::string text, std::uint16_t Config::*member) {
    return {std::move(name), "integer", std::move(text), [member](Config& config, const Place& at) { config.*member = read_port(at); }, {}};
}

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
                            if (!kResources.contains(text)) name.fail("expected client, replication, metrics or health");
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

void read_database(Config& config, const Place& at) {
    DatabaseConfig out;
    for_each_entry(at, [&](const std::string& key, const Place& value) {
        if (key == "name") {
            if (read_string(value) != "psycopg2") value.fail("only PostgreSQL (psycopg2) is supported");
        } else if (key == "args") {
            static const std::map<std::string, std::string> kLibpq{{"user", "user"}, {"password", "password"}, {"host", "host"},
                {"port", "port"}, {"dbname", "dbname"}, {"database", "dbname"}, {"sslmode", "sslmode"}, {"sslrootcert", "sslrootcert"},
                {"sslcert", "sslcert"}, {"sslkey", "sslkey"}, {"connect_timeout", "connect_timeout"}, {"keepalives_idle", "keepalives_idle"}};
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
        } else {
            value.fail("unknown key");
        }
    });
    if (out.connection_string.empty()) at.fail("args must say where the database is");
    config.database = std::move(out);
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
        if (address.path.empty() && (address.host.empty() || address.port == 0)) value.fail("needs host and port, or path");
        config.instance_map[name] = std::move(address);
    });
}

/// Streams that have no writers of their own, and the one whose writers they have: they share its IDs or transactions.
const std::map<std::string, std::string> kWrittenWith{
    {"backfill", "events"}, {"tag_account_data", "account_data"}, {"user_signature", "device_lists"}};

void read_stream_writers(Config& config, const Place& at) {
    static const std::set<std::string> kStreams{"events", "typing", "receipts", "presence", "account_data", "to_device", "device_lists",
                                                "push_rules", "pushers", "public_rooms", "federation", "groups"};
    config.stream_writers.clear();
    for_each_entry(at, [&](const std::string& stream, const Place& value) {
        if (const auto leader = kWrittenWith.find(stream); leader != kWrittenWith.end()) {
            value.fail("has the writers of " + leader->second);
        }
        if (stream == "caches") value.fail("every process writes it");
        if (!kStreams.contains(stream)) value.fail("unknown stream");
        config.stream_writers[stream] = value.node.IsScalar() ? std::vector{read_string(value)} : read_strings(value);
        if (config.stream_writers[stream].empty()) value.fail("names no writer");
    });
}

const std::vector<Key>& keys() {
    static const std::vector<Key> all{
        string_key("server_name", "The domain part of this server's user IDs. Can never be changed.", &Config::server_name),
        string_key("public_baseurl", "The URL clients reach the server under; told in /.well-known/matrix/client.", &Config::public_baseurl),
        {"listeners", "list", "Sockets of the master: type (http, replication, metrics), port and bind_addresses or path, resources, x_forwarded.",
         [](Config& config, const Place& at) { config.listeners = read_listeners(at); }, {}},
        {"database", "map", "PostgreSQL: name psycopg2, args {user, password, host, port, dbname, cp_max}.", read_database, {}},
        string_key("signing_key_path", "File with the server's ed25519 signing key.", &Config::signing_key_path),
        {"log", "map", "What is logged, on standard error.", nullptr,
         {{"level", "string", "debug, info, warning or error.", [](Config& config, const Place& at) {
               static const std::map<std::string, LogLevel> kLevels{{"debug", LogLevel::kDebug}, {"info", LogLevel::kInfo}, {"warning", LogLevel::kWarning}, {"error", LogLevel::kError}};
               const auto found = kLevels.find(read_string(at));
               if (found == kLevels.end()) at.fail("expected debug, info, warning or error");
               config.log.level = found->second;
           }, {}},
          {"format", "string", "text or json (one object a line).", [](Config& config, const Place& at) {
               const auto text = read_string(at);
               if (text != "text" && text != "json") at.fail("expected text or json");
               config.log.format = text == "json" ? LogFormat::kJson : LogFormat::kText;
           }, {}}}},
        string_key("worker_app", "The kind of a worker: weft.app.synchrotron, weft.app.client_reader, weft.app.event_persister.", &Config::worker_app),
        {"worker_name", "string", "The worker's name in the cluster; unique.", [](Config& config, const Place& at) {
             const auto name = read_string(at);
             if (name.empty() || name.find_first_of(" \t\r\n") != std::string::npos) at.fail("expected a name without spaces");
             config.instance_name = InstanceName{name};
         }, {}},
        string_key("worker_replication_host", "Where the master's replication listener is.", &Config::replication_host),
        port_key("worker_replication_port", "Port of the master's replication listener.", &Config::replication_port),
        string_key("worker_replication_path", "Unix socket of the master's replication listener, instead of host and port.", &Config::replication_path),
        {"worker_replication_http_port", "integer", "Port of the master's listener for calls between processes; used if instance_map has no master.",
         [](Draft& draft, const Place& at) { draft.replication_http_port = read_port(at); }, {}},
        {"worker_listeners", "list", "Sockets of a worker, as listeners.",
         [](Draft& draft, const Place& at) { draft.worker_listeners = read_listeners(at); }, {}},
        string_key("worker_replication_secret", "Shared secret of calls between the cluster's processes.", &Config::replication_secret),
        {"replication_dialect", "string", "weft or synapse-1.15: spelling of the few commands that differ.", [](Config& config, const Place& at) {
             config.replication_dialect = read_string(at);
             if (config.replication_dialect != "weft" && config.replication_dialect != "synapse-1.15") at.fail("expected weft or synapse-1.15");
         }, {}},
        {"replication_tls", "map", "TLS of all TCP connections between processes; both ends show a certificate.", nullptr,
         {{"ca", "string", "File with the certificate of the authority that both ends trust.",
           [](Config& config, const Place& at) { config.replication_tls.ca = read_string(at); }, {}},
          {"certificate", "string", "File with this process' certificate, issued to its name or host.",
           [](Config& config, const Place& at) { config.replication_tls.certificate = read_string(at); }, {}},
          {"key", "string", "File with the certificate's private key.",
           [](Config& config, const Place& at) { config.replication_tls.key = read_string(at); }, {}}}},
        bool_key("allow_insecure", "Whether processes may listen for each other beyond this machine without TLS.", &Config::allow_insecure),
        bool_key("allow_unauthenticated_rpc", "Whether calls from this machine need no worker_replication_secret; for processes that know none.", &Config::allow_unauthenticated_rpc),
        {"redis", "map", "Replication by Redis pub/sub: all processes, the master too, are clients of one Redis.", nullptr,
         {{"enabled", "boolean", "Whether replication goes by Redis; then no process has a replication listener.",
           [](Config& config, const Place& at) { config.redis.enabled = read_bool(at); }, {}},
          {"host", "string", "Where Redis is.", [](Config& config, const Place& at) { config.redis.host = read_string(at); }, {}},
          {"port", "integer", "Redis' port.", [](Config& config, const Place& at) { config.redis.port = read_port(at); }, {}},
          {"path", "string", "Redis' unix socket, instead of host and port.",
           [](Config& config, const Place& at) { config.redis.path = read_string(at); }, {}},
          {"password", "string", "Password for AUTH; empty: none.",
           [](Config& config, const Place& at) { config.redis.password = read_string(at); }, {}}}},
        {"instance_map", "map", "Address for calls between processes of each instance: {name: {host, port}} or {name: {path}}.", read_instance_map, {}},
        {"stream_writers", "map", "Which instances write a stream, e.g. {events: [event_persister1]}; the master where none is named.", read_stream_writers, {}},
        bool_key("enable_registration", "Whether people can make accounts themselves.", &Config::enable_registration),
        bool_key("enable_registration_without_verification", "Needed beside enable_registration where no token is asked for.", &Config::enable_registration_without_verification),
        bool_key("registration_requires_token", "Ask for a registration token.", &Config::registration_requires_token),
        bool_key("allow_guest_access", "Whether guests may register.", &Config::allow_guest_access),
        string_key("registration_shared_secret", "Secret for /_synapse/admin/v1/register; empty switches it off.", &Config::registration_shared_secret),
        string_key("macaroon_secret_key", "Secret that signs short-lived tokens.", &Config::macaroon_secret_key),
        {"password_config", "map", "Login with passwords.", nullptr,
         {bool_key("enabled", "Whether m.login.password is offered.", &Config::password_login_enabled)}},
        string_key("default_room_version", "Version of new rooms for which the client asks for none.", &Config::default_room_version),
        {"presence", "map", "Presence.", nullptr, {bool_key("enabled", "Whether presence is tracked and told.", &Config::use_presence)}},
        bool_key("use_presence", "Older spelling of presence.enabled.", &Config::use_presence),
        bool_key("enable_room_list_search", "Whether the room directory can be searched.", &Config::enable_room_list_search),
        bool_key("require_auth_for_profile_requests", "Whether reading a profile needs an access token.", &Config::require_auth_for_profile_requests),
        {"trusted_proxies", "list", "Addresses whose X-Forwarded-For is believed.", [](Config& config, const Place& at) { config.trusted_proxies = read_strings(at); }, {}},
        limit_key("rc_message", "Limit of sending, by user.", [](Config& config) -> RateLimit& { return config.rc_message; }),
        limit_key("rc_registration", "Limit of registrations, by address.", [](Config& config) -> RateLimit& { return config.rc_registration; }),
        {"rc_login", "map", "Limits of logins.", nullptr,
         {limit_key("address", "By client address.", [](Config& config) -> RateLimit& { return config.rc_login.address; }),
          limit_key("account", "By account.", [](Config& config) -> RateLimit& { return config.rc_login.account; }),
          limit_key("failed_attempts", "Failed logins, by account.", [](Config& config) -> RateLimit& { return config.rc_login.failed_attempts; })}},
        {"rc_joins", "map", "Limits of joins, by user.", nullptr,
         {limit_key("local", "Rooms this server is in.", [](Config& config) -> RateLimit& { return config.rc_joins.local; }),
          limit_key("remote", "Rooms on other servers.", [](Config& config) -> RateLimit& { return config.rc_joins.remote; })}},
        {"rc_invites", "map", "Limits of invites.", nullptr,
         {limit_key("per_room", "By room.", [](Config& config) -> RateLimit& { return config.rc_invites.per_room; }),
          limit_key("per_user", "By invited user.", [](Config& config) -> RateLimit& { return config.rc_invites.per_user; })}},
        limit_key("rc_admin_redaction", "Limit of redactions by server administrators.", [](Config& config) -> RateLimit& { return config.rc_admin_redaction; }),
        {"event_cache_size", "integer", "Events kept in memory by each process.", [](Config& config, const Place& at) { config.event_cache_entries = static_cast<std::size_t>(read_integer(at, 100, 100'000'000)); }, {}},
        {"max_request_body_size", "string", "Greatest request body, e.g. 1M; media has its own.", [](Config& config, const Place& at) { config.http_body_bytes_max = read_size(at); }, {}},
    };
    return all;
}

void read_map(Draft& config, const Place& at, const std::vector<Key>& known) {
    for_each_entry(at, [&](const std::string& name, const Place& value) {
        const auto key = std::find_if(known.begin(), known.end(), [&](const Key& candidate) { return candidate.name == name; });
        if (key == known.end()) value.fail("unknown key");
        if (key->read) {
            key->read(config, value);
        } else {
            read_map(config, value, key->children);
        }
    });
}

void list_keys(const std::vector<Key>& known, const std::string& prefix, std::vector<ConfigKey>& out) {
    for (const auto& key : known) {
        out.push_back({prefix + key.name, key.type, key.text});
        list_keys(key.children, prefix + key.name + ".", out);
    }
}

/// What follows from several keys together.
void complete(Draft& draft) {
    if (draft.is_worker()) draft.listeners = draft.worker_listeners;
    if (draft.replication_http_port != 0) {
        draft.instance_map.try_emplace("master", InstanceAddress{draft.replication_host, draft.replication_http_port, ""});
    }
}

bool is_loopback(const std::string& address) {
    return address == "localhost" || address == "::1" || address.starts_with("127.");
}

/// Other processes of the cluster connect there, from other machines too.
bool is_exposed(const ListenerConfig& listener) {
    const bool is_internal = listener.type == ListenerType::kReplication ||
                             std::ranges::find(listener.resources, "replication") != listener.resources.end();
    return is_internal && listener.path.empty() && !std::ranges::all_of(listener.bind_addresses, is_loopback);
}

/// What single keys cannot say: what is missing, and contradictions between them.
class Check {
public:
    Check(const Draft& draft, const std::string& last_file) : draft_{draft}, last_file_{last_file} {}

    void run() const {
        require(!draft_.server_name.empty(), "server_name", "missing");
        require(!draft_.database.connection_string.empty(), "database", "missing");
        require(!draft_.signing_key_path.empty(), "signing_key_path", "missing");
        require(!draft_.listeners.empty(), draft_.is_worker() ? "worker_listeners" : "listeners", "missing");
        if (draft_.is_worker()) {
            check_worker();
        } else {
            require(draft_.is_master(), "worker_name", "the master's name is always master; worker_app is missing");
            require(draft_.worker_listeners.empty(), "worker_listeners", "the master has listeners; worker_app is missing");
        }
        for (const auto& [stream, writers] : draft_.stream_writers) check_writers(stream, writers);
        check_tls();
        for (const auto& listener : draft_.listeners) {
            require(!draft_.redis.enabled || listener.type != ListenerType::kReplication, "redis.enabled",
                    "a listener of type replication has no use: processes meet at Redis");
            require(!is_exposed(listener) || draft_.replication_tls.is_set() || draft_.allow_insecure,
                    draft_.is_worker() ? "worker_listeners" : "listeners",
                    "processes would talk beyond this machine in the clear: set replication_tls, or allow_insecure");
        }
        require(!draft_.enable_registration || draft_.enable_registration_without_verification || draft_.registration_requires_token,
                "enable_registration",
                "open registration needs registration_requires_token or enable_registration_without_verification");
    }

private:
    void check_tls() const {
        const auto& tls = draft_.replication_tls;
        const bool is_complete = !tls.ca.empty() && !tls.certificate.empty() && !tls.key.empty();
        const bool is_empty = tls.ca.empty() && tls.certificate.empty() && tls.key.empty();
        require(is_complete || is_empty, "replication_tls", "needs ca, certificate and key");
    }
    void check_worker() const {
        require(!draft_.is_master(), "worker_name", "a worker needs a name of its own");
        require(draft_.redis.enabled || draft_.replication_port != 0 || !draft_.replication_path.empty(), "worker_replication_port", "a worker needs the master's replication port");
        require(draft_.instance_map.contains("master"), "instance_map", "the master is missing");
    }
    void check_writers(const std::string& stream, const std::vector<std::string>& writers) const {
        const auto key = "stream_writers." + stream;
        std::set<std::string> seen;
        for (const auto& writer : writers) {
            require(draft_.instance_map.contains(writer), key, writer + " is not in instance_map");
            require(seen.insert(writer).second, key, writer + " is named twice");
        }
        require(writers.size() == 1, key, "a stream can have one writer only");
    }
    /// What is set nowhere has no line: the last file is where it can be added.
    void require(bool condition, const std::string& key, const std::string& why) const {
        if (condition) return;
        const auto found = draft_.set_at.find(key);
        throw ConfigError{fmt::format("{}: {}: {}", found == draft_.set_at.end() ? last_file_ : found->second, key, why)};
    }

    const Draft& draft_;
    const std::string& last_file_;
};

}  // namespace

std::vector<std::string> Config::writers_of(const std::string& stream) const {
    const auto leader = kWrittenWith.find(stream);
    const auto found = stream_writers.find(leader == kWrittenWith.end() ? stream : leader->second);
    return found == stream_writers.end() ? std::vector<std::string>{"master"} : found->second;
}

bool Config::writes(const std::string& stream) const {
    const auto writers = writers_of(stream);
    return std::find(writers.begin(), writers.end(), instance_name.get()) != writers.end();
}

Config load_config(const std::vector<std::string>& files) {
    if (files.empty()) throw ConfigError{"no configuration file given (-c FILE)"};
    Draft draft;
    for (const auto& file : files) {
        YAML::Node root;
        try {
            root = YAML::LoadFile(file);
        } catch (const YAML::BadFile&) {
            throw ConfigError{fmt::format("{}: cannot be read", file)};
        } catch (const YAML::ParserException& error) {
            throw ConfigError{fmt::format("{}:{}: not valid YAML: {}", file, error.mark.line + 1, error.msg)};
        }
        if (root.IsNull()) continue;
        read_map(draft, Place{root, file, "", root.Mark().line, draft.set_at}, keys());
    }
    complete(draft);
    Check{draft, files.back()}.run();
    return draft;
}

const std::vector<ConfigKey>& config_keys() {
    static const std::vector<ConfigKey> all = [] {
        std::vector<ConfigKey> out;
        list_keys(keys(), "", out);
        return out;
    }();
    return all;
}

}  // namespace weft::core
