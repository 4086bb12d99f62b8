#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "weft/core/log.hpp"
#include "weft/core/rate_limiter.hpp"
#include "weft/core/strong.hpp"

namespace weft::core {

enum class ListenerType { kHttp, kReplication, kMetrics };

/// One socket the process listens on: TCP (`port` on each of `bind_addresses`) or unix (`path`).
struct ListenerConfig {
    ListenerType type = ListenerType::kHttp;
    std::uint16_t port = 0;
    std::vector<std::string> bind_addresses{"127.0.0.1"};
    std::string path;
    std::vector<std::string> resources;  // client, replication, metrics, health
    bool x_forwarded = false;            // trust X-Forwarded-For of the peer
};

/// `database.args`: what PostgreSQL's client library needs to connect.
struct DatabaseConfig {
    std::string connection_string;  // libpq keywords, built from the args
    std::size_t connections_max = 10;
};

/// Files (PEM) with which a process proves to another that it belongs to the cluster.
struct TlsConfig {
    std::string ca;
    std::string certificate;
    std::string key;
    bool is_set() const { return !ca.empty(); }
};

struct InstanceAddress {
    std::string host;
    std::uint16_t port = 0;
    std::string path;  // unix socket instead of host and port
};

/// Replication by Redis pub/sub instead of connections to the master.
struct RedisConfig {
    bool enabled = false;
    std::string host = "127.0.0.1";
    std::uint16_t port = 6379;
    std::string path;  // unix socket instead of host and port
    std::string password;
};

struct LoginLimits {
    RateLimit address{50, 200};
    RateLimit account{5, 50};
    RateLimit failed_attempts{0.17, 10};
};
struct JoinLimits {
    RateLimit local{10, 100};
    RateLimit remote{0.1, 20};
};
struct InviteLimits {
    RateLimit per_room{5, 100};
    RateLimit per_user{5, 100};
};

/// Servers that help calls through firewalls, and how clients log in to them.
struct TurnConfig {
    std::vector<std::string> uris;
    std::string shared_secret;  // makes a password for each user; or one for all:
    std::string username;
    std::string password;
    std::int64_t user_lifetime_ms = 3'600'000;
    bool allow_guests = true;
};

/// Whom to ask for help, for /.well-known/matrix/support.
struct SupportConfig {
    struct Contact {
        std::string role;
        std::string matrix_id;
        std::string email_address;
    };
    std::vector<Contact> contacts;
    std::string page;
};

/// Who is found by name.
struct UserDirectoryConfig {
    bool enabled = true;
    bool search_all_users = false;
    bool prefer_local_users = false;
};

/// The whole configuration of one process, checked: homeserver.yaml, overlaid with the worker's file.
struct Config {
    std::string server_name;
    std::string public_baseurl;
    std::vector<ListenerConfig> listeners;
    DatabaseConfig database;
    std::string signing_key_path;
    LogConfig log;

    // Who we are and who else there is
    std::string worker_app;  // empty or weft.app.homeserver: the master
    InstanceName instance_name{"master"};
    std::string replication_host = "127.0.0.1";
    std::uint16_t replication_port = 0;
    std::map<std::string, InstanceAddress> instance_map;  // RPC addresses, by instance name
    std::map<std::string, std::vector<std::string>> stream_writers;
    std::string replication_secret;
    std::string replication_dialect = "weft";
    RedisConfig redis;
    TlsConfig replication_tls;
    std::string replication_path;  // unix socket of the master's replication listener, instead of host and port
    bool allow_insecure = false;
    bool allow_unauthenticated_rpc = false;

    // Accounts
    bool enable_registration = false;
    bool enable_registration_without_verification = false;
    bool registration_requires_token = false;
    bool allow_guest_access = false;
    std::string registration_shared_secret;
    std::string macaroon_secret_key;
    bool password_login_enabled = true;
    std::size_t session_lifetime_ms = 0;

    // Rooms and features
    std::string default_room_version = "11";
    bool use_presence = true;
    bool enable_room_list_search = true;
    UserDirectoryConfig user_directory;
    std::int64_t delayed_events_max_ms = 24LL * 60 * 60 * 1000;  // 0: none
    TurnConfig turn;
    SupportConfig support;
    bool require_auth_for_profile_requests = false;
    std::vector<std::string> trusted_proxies{"127.0.0.1", "::1"};
    std::size_t max_event_bytes = 65'536;

    // Limits
    RateLimit rc_message{10, 100};
    RateLimit rc_registration{1, 20};
    LoginLimits rc_login;
    JoinLimits rc_joins;
    InviteLimits rc_invites;
    RateLimit rc_admin_redaction{1, 50};
    std::size_t http_body_bytes_max = 1'048'576;
    std::size_t event_cache_entries = 20'000;
    std::size_t cache_factor_percent = 100;

    bool is_master() const { return instance_name.get() == "master"; }
    /// The instances that write `stream`, in configured order; the master where none is named.
    std::vector<std::string> writers_of(const std::string& stream) const;
    bool writes(const std::string& stream) const;
};

/// A mistake in the configuration: says file, line and key.
class ConfigError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Reads and checks the files, later ones over earlier ones. Unknown keys, wrong types and contradictions (a writer
/// that is not in `instance_map`, a worker without a name) throw ConfigError.
Config load_config(const std::vector<std::string>& files);

/// One documented key of the configuration; docs/configuration.md is checked against this list.
struct ConfigKey {
    std::string path;   // e.g. rc_login.address.per_second
    std::string type;   // string, integer, number, boolean, list, map
    std::string text;   // one sentence for the operator
};
const std::vector<ConfigKey>& config_keys();

}  // namespace weft::core
