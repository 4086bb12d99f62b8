#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "weft/core/log.hpp"
#include "weft/core/media_config.hpp"
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

    /// For messages, and the same for the same place.
    std::string text() const { return path.empty() ? host + ":" + std::to_string(port) : path; }
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

/// What a new password must have.
struct PasswordPolicy {
    bool enabled = false;
    std::size_t minimum_length = 1;  // characters
    bool require_digit = false;
    bool require_symbol = false;
    bool require_lowercase = false;
    bool require_uppercase = false;
};

/// How long what a login gives is good for, in milliseconds; 0: until it is logged out.
struct SessionLifetimes {
    std::size_t session_ms = 0;  // however often its tokens are refreshed
    std::size_t access_token_ms = 0;
    std::size_t refreshable_access_token_ms = 300'000;
    std::size_t refresh_token_ms = 0;
};

/// Logging in a second client with a token from the first.
struct LoginTokenConfig {
    bool enabled = true;
    bool require_ui_auth = true;
    std::size_t timeout_ms = 300'000;
};

/// The server that takes our e-mail. Without a host there is none, and nothing that needs it is offered.
struct EmailConfig {
    std::string smtp_host;
    std::uint16_t smtp_port = 0;  // 0: by force_tls
    std::string smtp_user;
    std::string smtp_pass;
    bool force_tls = false;                   // TLS from the first byte
    bool enable_tls = true;                   // STARTTLS where the server offers it
    bool require_transport_security = false;  // nothing is sent in the clear
    std::string notif_from;
    std::string app_name = "Matrix";
    std::size_t validation_token_lifetime_ms = 3'600'000;
    std::size_t notif_delay_before_mail_ms = 600'000;  // how long an event stays unread before it is mailed
    bool is_set() const { return !smtp_host.empty(); }
    std::uint16_t port() const {
        const std::uint16_t usual = force_tls ? 465 : 25;
        return smtp_port == 0 ? usual : smtp_port;
    }
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
    std::optional<DatabaseConfig> state_database;  // where state groups are, if not in `database`
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
    std::string
        replication_path;  // unix socket of the master's replication listener, instead of host and port
    std::string shared_positions_path;  // a file that the processes of one machine share; empty: they share none
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
    std::string password_pepper;
    PasswordPolicy password_policy;
    SessionLifetimes session_lifetimes;
    LoginTokenConfig login_tokens;
    EmailConfig email;
    bool registration_requires_email = false;
    bool enable_3pid_changes = true;

    // Rooms and features
    std::string default_room_version = "11";
    bool use_presence = true;
    std::int64_t presence_wake_interval_ms = 2'000;
    bool enable_room_list_search = true;
    UserDirectoryConfig user_directory;
    std::int64_t delayed_events_max_ms = 24LL * 60 * 60 * 1000;  // 0: none
    TurnConfig turn;
    SupportConfig support;
    bool require_auth_for_profile_requests = false;
    std::vector<std::string> trusted_proxies{"127.0.0.1", "::1"};
    std::size_t max_event_bytes = 65'536;

    MediaConfig media;
    // Push gateways and application services
    bool start_pushers = true;
    std::vector<std::string> pusher_instances;
    bool push_include_content = true;
    bool push_count_rooms = true;
    /// Private, local and otherwise special networks.
    std::vector<std::string> ip_range_blacklist{
        "127.0.0.0/8",    "10.0.0.0/8",     "172.16.0.0/12",   "192.168.0.0/16", "100.64.0.0/10", "192.0.0.0/24",
        "169.254.0.0/16", "192.88.99.0/24", "198.18.0.0/15",   "192.0.2.0/24",   "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4",    "::1/128",        "fe80::/10",       "fc00::/7",       "2001:db8::/32", "ff00::/8",
        "fec0::/10"};
    std::vector<std::string> ip_range_whitelist;
    std::vector<std::string> app_service_config_files;
    bool notify_appservices = true;
    std::string notify_appservices_from;

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
    /// The instances that send notifications to push gateways; none: nobody does.
    std::vector<std::string> pushers() const;
    /// Whether this process tells application services of events.
    bool tells_appservices() const;
};

/// A mistake in the configuration: says file, line and key.
class ConfigError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Reads and checks the files, later ones over earlier ones. Unknown keys, wrong types and contradictions (a
/// writer that is not in `instance_map`, a worker without a name) throw ConfigError.
Config load_config(const std::vector<std::string>& files);

/// One documented key of the configuration; docs/configuration.md is checked against this list.
struct ConfigKey {
    std::string path;  // e.g. rc_login.address.per_second
    std::string type;  // string, integer, number, boolean, list, map
    std::string text;  // one sentence for the operator
};
const std::vector<ConfigKey>& config_keys();

}  // namespace weft::core
