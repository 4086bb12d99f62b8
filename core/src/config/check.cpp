#include <set>

#include "config/key.hpp"

namespace weft::core::config {
namespace {

bool is_loopback(const std::string& address) {
    return address == "localhost" || address == "::1" || address.starts_with("127.");
}

/// Other processes of the cluster connect there, from other machines too.
bool is_exposed(const ListenerConfig& listener) {
    const bool is_internal = listener.type == ListenerType::kReplication ||
                             std::ranges::find(listener.resources, "replication") != listener.resources.end();
    return is_internal && listener.path.empty() && !std::ranges::all_of(listener.bind_addresses, is_loopback);
}

class Check {
public:
    Check(const Draft& draft, const std::string& last_file) : draft_{draft}, last_file_{last_file} {}

    void run() const {
        require(!draft_.server_name.empty(), "server_name", "missing");
        require(!draft_.database.connection_string.empty(), "database", "missing");
        require(!draft_.set_at.contains("database") || !draft_.databases_have_main, "databases",
                "has main, and so has database: only one of them can be meant");
        require(!draft_.signing_key_path.empty(), "signing_key_path", "missing");
        require(!draft_.listeners.empty(), draft_.is_worker() ? "worker_listeners" : "listeners", "missing");
        if (draft_.is_worker()) {
            check_worker();
        } else {
            require(draft_.is_master(), "worker_name",
                    "the master's name is always master; worker_app is missing");
            require(draft_.worker_listeners.empty(), "worker_listeners",
                    "the master has listeners; worker_app is missing");
        }
        for (const auto& [stream, writers] : draft_.stream_writers) check_writers(stream, writers);
        check_instances("pusher_instances", draft_.pusher_instances);
        if (!draft_.notify_appservices_from.empty())
            check_instances("notify_appservices_from_worker", {draft_.notify_appservices_from});
        check_tls();
        for (const auto& listener : draft_.listeners) {
            require(!draft_.redis.enabled || listener.type != ListenerType::kReplication, "redis.enabled",
                    "a listener of type replication has no use: processes meet at Redis");
            require(!is_exposed(listener) || draft_.replication_tls.is_set() || draft_.allow_insecure,
                    draft_.is_worker() ? "worker_listeners" : "listeners",
                    "processes would talk beyond this machine in the clear: set replication_tls, or "
                    "allow_insecure");
        }
        check_email();
        require(!draft_.enable_registration || draft_.enable_registration_without_verification ||
                    draft_.registration_requires_token,
                "enable_registration",
                "open registration needs registration_requires_token or "
                "enable_registration_without_verification");
        check_media();
    }

private:
    void check_media() const {
        const auto& media = draft_.media;
        // Empty is a decision too, but it has to be made: without the list, previews reach into this network.
        require(!media.previews_enabled || draft_.set_at.contains("url_preview_ip_range_blacklist"),
                "url_preview_enabled", "needs url_preview_ip_range_blacklist");
        const auto& s3 = media.s3;
        require(!s3.is_set() || !(s3.endpoint_url.empty() || s3.access_key_id.empty() || s3.secret_access_key.empty()),
                "media_s3", "needs endpoint_url, access_key_id and secret_access_key");
    }
    void check_email() const {
        const auto& email = draft_.email;
        require(!email.is_set() || !email.notif_from.empty(), "email", "needs notif_from");
        require(!email.is_set() || !draft_.public_baseurl.empty(), "public_baseurl",
                "missing: e-mails hold links to this server");
        require(!draft_.registration_requires_email || email.is_set(), "registrations_require_3pid",
                "needs email.smtp_host");
    }
    void check_tls() const {
        const auto& tls = draft_.replication_tls;
        const bool is_complete = !tls.ca.empty() && !tls.certificate.empty() && !tls.key.empty();
        const bool is_empty = tls.ca.empty() && tls.certificate.empty() && tls.key.empty();
        require(is_complete || is_empty, "replication_tls", "needs ca, certificate and key");
    }
    void check_worker() const {
        require(!draft_.is_master(), "worker_name", "a worker needs a name of its own");
        require(draft_.redis.enabled || draft_.replication_port != 0 || !draft_.replication_path.empty(),
                "worker_replication_port", "a worker needs the master's replication port");
        require(draft_.instance_map.contains("master"), "instance_map", "the master is missing");
    }
    void check_writers(const std::string& stream, const std::vector<std::string>& writers) const {
        const auto key = "stream_writers." + stream;
        std::set<std::string> seen;
        for (const auto& writer : writers) {
            require(draft_.instance_map.contains(writer), key, writer + " is not in instance_map");
            require(seen.insert(writer).second, key, writer + " is named twice");
        }
        require(writers.size() == 1 || stream == "events", key, "a stream can have one writer only");
    }
    void check_instances(const std::string& key, const std::vector<std::string>& names) const {
        std::set<std::string> seen;
        for (const auto& name : names) {
            require(name == "master" || draft_.instance_map.contains(name), key, name + " is not in instance_map");
            require(seen.insert(name).second, key, name + " is named twice");
        }
    }
    /// What is set nowhere has no line: the last file is where it can be added.
    void require(bool condition, const std::string& key, const std::string& why) const {
        if (condition) return;
        const auto found = draft_.set_at.find(key);
        throw ConfigError{
            fmt::format("{}: {}: {}", found == draft_.set_at.end() ? last_file_ : found->second, key, why)};
    }

    const Draft& draft_;
    const std::string& last_file_;
};

}  // namespace

void check(const Draft& draft, const std::string& last_file) {
    Check{draft, last_file}.run();
}

}  // namespace weft::core::config
