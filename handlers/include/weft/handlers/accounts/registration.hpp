#pragma once

#include <optional>
#include <string>

#include "weft/core/clock.hpp"
#include "weft/core/config.hpp"
#include "weft/core/rate_limiter.hpp"
#include "weft/core/task.hpp"
#include "weft/handlers/accounts/interactive_auth.hpp"
#include "weft/handlers/appservice/appservices.hpp"
#include "weft/handlers/accounts/password_auth.hpp"
#include "weft/handlers/accounts/sessions.hpp"
#include "weft/replication/rpc.hpp"
#include "weft/storage/access_token_store.hpp"
#include "weft/storage/registration_token_store.hpp"
#include "weft/storage/user_store.hpp"

namespace weft::handlers {

/// An account as it shall be.
struct NewAccount {
    std::string user_id;                     // of this server, from new_user_id()
    std::optional<std::string> password;     // none: nobody can log in by password
    std::optional<std::string> displayname;  // none: the localpart
    bool admin = false;
    bool guest = false;
    std::optional<std::string> user_type;
    /// There is such an account already, a guest's, which becomes a full one.
    bool upgrades_guest = false;
    std::optional<std::string> appservice_id = std::nullopt;
};

struct RegisterRequest {
    ProtectedOperation operation;
    std::optional<std::string> username;  // none: the server makes one up
    std::optional<std::string> password;
    DeviceChoice device;
    bool inhibit_login = false;
    /// The access token of a guest who becomes a user; `username` is the guest's.
    std::optional<std::string> guest_access_token;
    std::string remote_address;
};

struct Registered {
    std::string user_id;
    std::optional<Session> session;  // none with inhibit_login
};

struct PostRegisterCall;
struct RegisterDeviceAnswer;
struct RegisterDeviceCall;
struct RegisterUserCall;

/// Lets people make accounts (client-server API, "Account registration"). Runs in the master.
class Registration {
public:
    Registration(storage::UserStore& users, storage::AccessTokenStore& access_tokens,
                 storage::RegistrationTokenStore& tokens, PasswordAuth& passwords,
                 ThirdPartyIds& third_party_ids, InteractiveAuth& interactive_auth, Sessions& sessions,
                 const core::Config& config, const core::Clock& clock);

    /// Throws MatrixError: 403 M_FORBIDDEN where registration is closed; M_INVALID_USERNAME, M_USER_IN_USE,
    /// M_WEAK_PASSWORD, M_MISSING_PARAM; M_LIMIT_EXCEEDED by address (rc_registration); 401 of
    /// InteractiveAuth.
    Task<Registered> register_user(RegisterRequest request);
    /// Throws MatrixError 403 M_FORBIDDEN unless guests are allowed.
    Task<Registered> register_guest(std::optional<std::string> initial_device_display_name,
                                    std::string remote_address);
    /// An account that an application service wants, who says so by its token. Throws MatrixError: 401 M_UNKNOWN_TOKEN,
    /// M_EXCLUSIVE for a name outside of its namespaces, M_INVALID_USERNAME, M_USER_IN_USE.
    Task<Registered> register_by_appservice(std::string as_token, RegisterRequest request);
    /// The user in whose name the service acts that names nobody; made if there is none.
    Task<void> ensure_sender(const Appservices::Service& service);
    /// Names may be reserved for application services.
    void use_appservices(const Appservices& services) { appservices_ = &services; }
    /// Throws MatrixError if a new account could not have this name.
    Task<void> check_available(std::string username, std::string remote_address);
    /// The same for administrators, whom nothing limits.
    Task<void> check_free(std::string username);
    Task<bool> is_token_valid(std::string token, std::string remote_address);

    /// Makes the account, asking nobody. Throws MatrixError 400 M_USER_IN_USE.
    Task<void> create_account(NewAccount account);

    /// Answers client readers of Synapse 1.15, which ask people themselves and let the master store what they
    /// find: `register_user`, `post_register`, `device_check_registered`.
    void serve(replication::RpcServer& server);

private:
    Task<void> store_checked(std::string user_id, RegisterUserCall call);
    Task<void> upgrade_checked_guest(std::string user_id, std::string password_hash);
    Task<void> add_shown_addresses(std::string user_id, PostRegisterCall call);
    Task<RegisterDeviceAnswer> log_in_checked(std::string user_id, RegisterDeviceCall call);
    std::string own_user_id(const std::string& text) const;
    void check_open() const;
    AuthFlows flows() const;
    std::string free_user_id(std::string_view username) const;
    Task<bool> is_taken(std::string user_id);
    Task<std::string> user_id_for(const RegisterRequest& request);
    Task<bool> is_own_guest(const RegisterRequest& request, const std::string& user_id);
    Task<void> upgrade_guest(std::string user_id, std::string password);
    Task<void> create_with_token(NewAccount account, std::string token);
    Task<Registered> finish(std::string user_id, RegisterRequest request);

    storage::UserStore& users_;
    storage::AccessTokenStore& access_tokens_;
    storage::RegistrationTokenStore& tokens_;
    PasswordAuth& passwords_;
    ThirdPartyIds& third_party_ids_;
    InteractiveAuth& interactive_auth_;
    Sessions& sessions_;
    const core::Config& config_;
    const Appservices* appservices_ = nullptr;
    core::RateLimiter accounts_by_address_;
    core::RateLimiter questions_by_address_;
};

}  // namespace weft::handlers
