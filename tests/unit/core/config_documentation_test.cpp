#include <algorithm>
#include <fstream>
#include <set>

#include <fmt/format.h>
#include <catch2/catch.hpp>

#include "config_files.hpp"
#include "weft/core/config.hpp"

using namespace weft;

namespace {

std::vector<std::string> document() {
    std::ifstream file{WEFT_TEST_DATA "/../../docs/configuration.md"};
    REQUIRE(file);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
}

/// Rows of the table that are about keys.
std::vector<std::string> documented_rows() {
    auto rows = document();
    std::erase_if(rows, [](const auto& line) { return !line.starts_with("| `"); });
    return rows;
}

/// The examples, in their order.
std::vector<std::string> documented_yaml() {
    std::vector<std::string> blocks;
    bool inside = false;
    for (const auto& line : document()) {
        if (line == "```yaml") {
            blocks.emplace_back();
            inside = true;
        } else if (line == "```") {
            inside = false;
        } else if (inside) {
            blocks.back() += line + "\n";
        }
    }
    return blocks;
}

std::string row_of(const core::ConfigKey& key) {
    return fmt::format("| `{}` | {} | {} |", key.path, key.type, key.text);
}

std::vector<double> limits_of(const core::Config& config) {
    std::vector<double> out;
    for (const auto& limit :
         {config.rc_message, config.rc_registration, config.rc_login.address, config.rc_login.account,
          config.rc_login.failed_attempts, config.rc_joins.local, config.rc_joins.remote,
          config.rc_invites.per_room, config.rc_invites.per_user, config.rc_admin_redaction,
          config.media.rc_create}) {
        out.push_back(limit.per_second);
        out.push_back(limit.burst_count);
    }
    return out;
}

}  // namespace

TEST_CASE("docs/configuration.md has a row for every key, as the code describes it, and no others") {
    const auto rows = documented_rows();
    std::set<std::string> expected;
    for (const auto& key : core::config_keys()) {
        const auto row = row_of(key);
        INFO("this row is missing from docs/configuration.md: " << row);
        CHECK(std::count(rows.begin(), rows.end(), row) == 1);
        expected.insert(row);
    }
    for (const auto& row : rows) {
        INFO("this row of docs/configuration.md describes no key: " << row);
        CHECK(expected.contains(row));
    }
}

TEST_CASE("every key is described by a sentence and has a type") {
    static const std::set<std::string> kTypes{"string", "integer", "number", "boolean", "list", "map"};
    std::set<std::string> paths;
    for (const auto& key : core::config_keys()) {
        CAPTURE(key.path);
        CHECK(paths.insert(key.path).second);
        CHECK(kTypes.contains(key.type));
        CHECK(key.text.ends_with('.'));
        CHECK(key.text.find_first_of("|\n") == std::string::npos);
    }
}

TEST_CASE("the examples in docs/configuration.md are configurations") {
    const auto examples = documented_yaml();
    REQUIRE(examples.size() == 3);
    const test::ConfigFiles files;
    const auto master = files.load({examples[0]});
    CHECK(master.is_master());
    CHECK(master.listeners.size() == 4);
    const auto worker = files.load({examples[0], examples[1]});
    CHECK(worker.instance_name.get() == "synchrotron1");
    CHECK(worker.listeners.size() == 3);
}

TEST_CASE("the defaults in docs/configuration.md are those of the code") {
    const test::ConfigFiles files;
    const auto silent = files.load({test::kMaster});
    const auto documented = files.load({test::kMaster, documented_yaml().at(2)});
    CHECK(limits_of(documented) == limits_of(silent));
    CHECK(documented.enable_registration == silent.enable_registration);
    CHECK(documented.enable_registration_without_verification ==
          silent.enable_registration_without_verification);
    CHECK(documented.registration_requires_token == silent.registration_requires_token);
    CHECK(documented.allow_guest_access == silent.allow_guest_access);
    CHECK(documented.password_login_enabled == silent.password_login_enabled);
    CHECK(documented.session_lifetimes.session_ms == silent.session_lifetimes.session_ms);
    CHECK(documented.session_lifetimes.access_token_ms == silent.session_lifetimes.access_token_ms);
    CHECK(documented.session_lifetimes.refreshable_access_token_ms ==
          silent.session_lifetimes.refreshable_access_token_ms);
    CHECK(documented.session_lifetimes.refresh_token_ms == silent.session_lifetimes.refresh_token_ms);
    CHECK(documented.login_tokens.enabled == silent.login_tokens.enabled);
    CHECK(documented.login_tokens.require_ui_auth == silent.login_tokens.require_ui_auth);
    CHECK(documented.login_tokens.timeout_ms == silent.login_tokens.timeout_ms);
    CHECK(documented.password_policy.enabled == silent.password_policy.enabled);
    CHECK(documented.password_policy.minimum_length == silent.password_policy.minimum_length);
    CHECK(documented.registration_requires_email == silent.registration_requires_email);
    CHECK(documented.enable_3pid_changes == silent.enable_3pid_changes);
    CHECK(documented.email.enable_tls == silent.email.enable_tls);
    CHECK(documented.email.force_tls == silent.email.force_tls);
    CHECK(documented.email.require_transport_security == silent.email.require_transport_security);
    CHECK(documented.email.app_name == silent.email.app_name);
    CHECK(documented.email.validation_token_lifetime_ms == silent.email.validation_token_lifetime_ms);
    CHECK(documented.email.notif_delay_before_mail_ms == silent.email.notif_delay_before_mail_ms);
    CHECK(documented.default_room_version == silent.default_room_version);
    CHECK(documented.use_presence == silent.use_presence);
    CHECK(documented.enable_room_list_search == silent.enable_room_list_search);
    CHECK(documented.require_auth_for_profile_requests == silent.require_auth_for_profile_requests);
    CHECK(documented.trusted_proxies == silent.trusted_proxies);
    CHECK(documented.replication_dialect == silent.replication_dialect);
    CHECK(documented.allow_insecure == silent.allow_insecure);
    CHECK(documented.allow_unauthenticated_rpc == silent.allow_unauthenticated_rpc);
    CHECK(documented.redis.enabled == silent.redis.enabled);
    CHECK(documented.redis.host == silent.redis.host);
    CHECK(documented.redis.port == silent.redis.port);
    CHECK(documented.log.level == silent.log.level);
    CHECK(documented.log.format == silent.log.format);
    CHECK(documented.event_cache_entries == silent.event_cache_entries);
    CHECK(documented.http_body_bytes_max == silent.http_body_bytes_max);
    CHECK(documented.media.enabled == silent.media.enabled);
    CHECK(documented.media.store_path == silent.media.store_path);
    CHECK(documented.media.upload_bytes_max == silent.media.upload_bytes_max);
    CHECK(documented.media.image_pixels_max == silent.media.image_pixels_max);
    CHECK(documented.media.dynamic_thumbnails == silent.media.dynamic_thumbnails);
    CHECK(documented.media.thumbnail_sizes.size() == silent.media.thumbnail_sizes.size());
    CHECK(documented.media.require_authentication == silent.media.require_authentication);
    CHECK(documented.media.unused_expiry_ms == silent.media.unused_expiry_ms);
    CHECK(documented.media.pending_uploads_max == silent.media.pending_uploads_max);
    CHECK(documented.media.previews_enabled == silent.media.previews_enabled);
    CHECK(documented.media.preview_bytes_max == silent.media.preview_bytes_max);
    CHECK(documented.media.preview_languages == silent.media.preview_languages);
}
