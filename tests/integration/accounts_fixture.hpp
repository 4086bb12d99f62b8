#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "postgres_fixture.hpp"
#include "weft/core/async.hpp"
#include "weft/handlers/accounts/account_status.hpp"
#include "weft/handlers/accounts/accounts.hpp"
#include "weft/handlers/accounts/authenticator.hpp"
#include "weft/handlers/accounts/client_ips.hpp"
#include "weft/handlers/accounts/devices.hpp"
#include "weft/handlers/accounts/filters.hpp"
#include "weft/handlers/accounts/identity_bindings.hpp"
#include "weft/handlers/accounts/interactive_auth.hpp"
#include "weft/handlers/accounts/login.hpp"
#include "weft/handlers/accounts/login_tokens.hpp"
#include "weft/handlers/accounts/password_auth.hpp"
#include "weft/handlers/accounts/profiles.hpp"
#include "weft/handlers/accounts/registration.hpp"
#include "weft/handlers/accounts/sessions.hpp"
#include "weft/handlers/accounts/shared_secret_registration.hpp"
#include "weft/handlers/accounts/whois.hpp"
#include "weft/http/client.hpp"
#include "weft/http/router.hpp"
#include "weft/http/uri.hpp"
#include "weft/proto/json.hpp"
#include "weft/rest/admin/register.hpp"
#include "weft/rest/client/account.hpp"
#include "weft/rest/client/devices.hpp"
#include "weft/rest/client/filter.hpp"
#include "weft/rest/client/login.hpp"
#include "weft/rest/client/moderation.hpp"
#include "weft/rest/client/profile.hpp"
#include "weft/rest/client/register.hpp"
#include "weft/rest/client/server_info.hpp"
#include "weft/rest/client/third_party_ids.hpp"
#include "weft/storage/access_token_store.hpp"
#include "weft/storage/client_ip_store.hpp"
#include "weft/storage/device_store.hpp"
#include "weft/storage/events_store.hpp"
#include "weft/storage/filter_store.hpp"
#include "weft/storage/profile_store.hpp"
#include "weft/storage/registration_token_store.hpp"
#include "weft/storage/state_store.hpp"
#include "weft/storage/ui_auth_session_store.hpp"
#include "weft/storage/user_store.hpp"

namespace weft::test {

/// Takes what is sent and stores nothing.
class RecordingSender final : public handlers::EventSender {
public:
    Task<std::vector<handlers::SendResult>> send_all(std::vector<handlers::SendRequest> requests) override {
        std::vector<handlers::SendResult> results;
        for (auto& request : requests) {
            sent.push_back(std::move(request.draft));
            results.push_back({proto::EventId::trusted(fmt::format("$sent{}", sent.size()))});
        }
        co_return results;
    }
    Task<Created> create_room(const proto::RoomVersion&, std::vector<handlers::SendRequest>) override {
        throw std::logic_error{"no account handler makes rooms"};
    }
    Task<void> wait_for_event(handlers::SendResult) override { co_return; }

    std::vector<proto::EventDraft> sent;
};

/// Keeps what is sent.
class RecordingMailer final : public core::Mailer {
public:
    Task<void> send(core::Mail mail) override {
        if (broken) throw core::SmtpError{"the server is away"};
        sent.push_back(std::move(mail));
        co_return;
    }

    std::vector<core::Mail> sent;
    bool broken = false;
};

/// What came back.
struct AccountsAnswer {
    int status = 0;
    boost::json::object body;

    std::string text(std::string_view key) const {
        return std::string{proto::get_string(body, key).value_or("")};
    }
    std::string errcode() const { return text("errcode"); }
};

inline core::Config accounts_config() {
    core::Config config;
    config.server_name = "test";
    config.public_baseurl = "https://matrix.test/";
    config.enable_registration = true;
    config.enable_registration_without_verification = true;
    config.registration_shared_secret = "sesame";
    config.replication_secret = "cluster";
    config.rc_registration = {1, 1000};
    return config;
}

/// Everything about accounts as the master composes it, on a database of its own; requests go through the
/// router.
struct AccountsFixture : StorageFixture {
    explicit AccountsFixture(core::Config settings = accounts_config()) : config{std::move(settings)} {
        router.set_authenticator(std::bind_front(&handlers::Authenticator::authenticate, &authenticator));
        authenticator.on_seen(std::bind_front(&handlers::ClientIps::record, &client_ips));
        account_endpoints.register_on(router);
        admin_register_endpoints.register_on(router);
        device_endpoints.register_on(router);
        filter_endpoints.register_on(router);
        login_endpoints.register_on(router);
        moderation_endpoints.register_on(router);
        profile_endpoints.register_on(router);
        register_endpoints.register_on(router);
        server_info_endpoints.register_on(router);
        third_party_id_endpoints.register_on(router);
    }

    AccountsAnswer call(http::Method method, const std::string& target, const std::string& body = {},
                        const std::string& token = {}) {
        http::Request request;
        request.method = method;
        request.target = target;
        const auto split = http::split_target(target);
        request.path = std::string{split.path};
        request.query = http::parse_query(split.query).value();
        request.body = body;
        request.remote_address = remote_address;
        request.headers.set("User-Agent", "tests");
        if (!token.empty()) request.headers.set("Authorization", "Bearer " + token);
        const auto response = run(router.handle(std::move(request)));
        return {response.status, proto::parse_json_object(response.body).value()};
    }
    AccountsAnswer get(const std::string& target, const std::string& token = {}) {
        return call(http::Method::kGet, target, {}, token);
    }
    AccountsAnswer post(const std::string& target, const std::string& body, const std::string& token = {}) {
        return call(http::Method::kPost, target, body, token);
    }
    AccountsAnswer put(const std::string& target, const std::string& body, const std::string& token) {
        return call(http::Method::kPut, target, body, token);
    }

    /// Registers a user with the password "secret"; the answer has the session.
    AccountsAnswer register_user(const std::string& name) {
        return post("/_matrix/client/v3/register",
                    fmt::format(R"({{"username": "{}", "password": "secret", "device_id": "FIRST",
                                     "auth": {{"type": "m.login.dummy"}}}})",
                                name));
    }
    AccountsAnswer login(const std::string& name, const std::string& password = "secret",
                         const std::string& device = "SECOND") {
        return post(
            "/_matrix/client/v3/login",
            fmt::format(R"({{"type": "m.login.password", "identifier": {{"type": "m.id.user", "user": "{}"}},
                                     "password": "{}", "device_id": "{}"}})",
                        name, password, device));
    }
    static std::string password_proof(const std::string& name, const std::string& password = "secret") {
        return fmt::format(R"({{"type": "m.login.password", "password": "{}",
                                "identifier": {{"type": "m.id.user", "user": "{}"}}}})",
                           password, name);
    }
    bool is_logged_in(const std::string& token) {
        return get("/_matrix/client/v3/account/whoami", token).status == 200;
    }

    core::Config config;
    std::string remote_address = "192.0.2.1";
    core::CpuPool cpu{1};
    RecordingSender sender;
    RecordingMailer mailer;

    storage::UserStore users{context()};
    storage::AccessTokenStore tokens{context()};
    storage::RefreshTokenStore refresh_tokens{context()};
    storage::LoginTokenStore login_token_store{context()};
    storage::DeviceStore device_store{context(), stream("device_lists")};
    storage::ProfileStore profile_store{context()};
    storage::RegistrationTokenStore registration_tokens{context()};
    storage::ThreePidStore three_pids{context()};
    storage::AdminUserStore admin_users{context()};
    storage::ErasedUserStore erased_users{context()};
    storage::PusherStore pushers{context(), stream("pushers")};
    storage::UiAuthSessionStore ui_auth_sessions{context()};
    storage::FilterStore filter_store{context()};
    storage::ClientIpStore client_ip_store{context()};
    storage::StreamState& events_stream{stream("events")};
    storage::EventsStore events{db, events_stream, stream("backfill"), 1000, io.get_executor()};
    storage::StateStore state{db, events_stream, events, registry, 100, io.get_executor()};

    handlers::PasswordAuth passwords{users, cpu, config, clock};
    handlers::ThirdPartyIds third_party_ids{three_pids, mailer, config, clock};
    handlers::InteractiveAuth interactive_auth{ui_auth_sessions, passwords, third_party_ids,
                                               registration_tokens, clock};
    handlers::Devices devices{device_store, tokens};
    /// What identity servers answer; none by default.
    std::function<http::Response(const handlers::IdentityServers::Call&)> identity_server;
    proto::SigningKey signing_key = proto::SigningKey::generate("test");
    handlers::IdentityServers identity_servers{
        [this](handlers::IdentityServers::Call asked) -> Task<http::Response> {
            if (!identity_server) throw http::ClientError{http::ClientError::Kind::kConnect, "there is none"};
            co_return identity_server(asked);
        },
        config.server_name, signing_key};
    handlers::IdentityBindings identity_bindings{three_pids, identity_servers, clock, config};
    handlers::Sessions sessions{tokens, refresh_tokens, devices, config, clock};
    handlers::LoginTokens login_tokens{login_token_store, config, clock};
    handlers::Login login_handler{passwords, login_tokens, sessions, users, config, clock};
    handlers::AccountStatus account_status{users, tokens, config};
    handlers::Whois whois{users, client_ip_store, config};
    handlers::Registration registration{users,     tokens,          registration_tokens,
                                        passwords, third_party_ids, interactive_auth,
                                        sessions,  config,          clock};
    handlers::SharedSecretRegistration shared_secret{registration, sessions, config, clock};
    handlers::Profiles profiles{profile_store, state, sender, config, io.get_executor()};
    handlers::Accounts accounts{
        handlers::Accounts::Stores{users, admin_users, erased_users, profile_store, three_pids, pushers, state}, passwords,
        devices, identity_bindings, sender, io.get_executor()};
    handlers::Filters filters{filter_store};
    handlers::ClientIps client_ips{client_ip_store, clock, io.get_executor()};
    handlers::Authenticator authenticator{tokens, config, clock};

    rest::AccountEndpoints account_endpoints{accounts, third_party_ids, interactive_auth};
    rest::AdminRegisterEndpoints admin_register_endpoints{shared_secret, config};
    rest::DevicesEndpoints device_endpoints{devices, interactive_auth};
    rest::FilterEndpoints filter_endpoints{filters};
    rest::LoginEndpoints login_endpoints{login_handler,   login_tokens,     sessions,
                                         third_party_ids, interactive_auth, config};
    rest::ModerationEndpoints moderation_endpoints{account_status, whois};
    rest::ProfileEndpoints profile_endpoints{profiles, config};
    rest::RegisterEndpoints register_endpoints{registration, config};
    rest::ThirdPartyIdEndpoints third_party_id_endpoints{third_party_ids, identity_bindings, interactive_auth};
    rest::ServerInfoEndpoints server_info_endpoints{config};
    http::Router router;
};

}  // namespace weft::test
