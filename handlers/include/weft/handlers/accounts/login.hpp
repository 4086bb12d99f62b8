#pragma once

#include <string>

#include "weft/core/clock.hpp"
#include "weft/core/config.hpp"
#include "weft/core/rate_limiter.hpp"
#include "weft/core/task.hpp"
#include "weft/handlers/accounts/login_tokens.hpp"
#include "weft/handlers/accounts/password_auth.hpp"
#include "weft/handlers/accounts/sessions.hpp"
#include "weft/handlers/appservice/appservices.hpp"
#include "weft/storage/user_store.hpp"

namespace weft::handlers {

struct PasswordLogin {
    std::string user_id;  // as the client wrote it, completed to a full ID
    std::string password;
    DeviceChoice device;
    std::string remote_address;
};

struct TokenLogin {
    std::string token;
    DeviceChoice device;
    std::string remote_address;
};

/// Logs people in by password or login token (client-server API, "Legacy login").
class Login {
public:
    Login(PasswordAuth& passwords, LoginTokens& login_tokens, Sessions& sessions, storage::UserStore& users,
          const core::Config& config, const core::Clock& clock);

    bool password_enabled() const { return config_.password_login_enabled; }

    /// Throws MatrixError: as PasswordAuth::check() and Sessions::open(); M_LIMIT_EXCEEDED by address and
    /// account (rc_login); M_UNKNOWN where password login is switched off.
    Task<Session> by_password(PasswordLogin login);
    /// Throws MatrixError: as LoginTokens::use() and Sessions::open(); M_LIMIT_EXCEEDED by address and
    /// account.
    Task<Session> by_token(TokenLogin login);

    /// An application service, who says so by its token, for a user of its own. Throws MatrixError: M_FORBIDDEN,
    /// M_EXCLUSIVE.
    Task<Session> by_appservice(std::string as_token, std::string user_id, DeviceChoice device);
    void use_appservices(const Appservices& services) { appservices_ = &services; }
    bool has_appservices() const { return appservices_ && !appservices_->all().empty(); }

private:
    Task<Session> open(std::string user_id, DeviceChoice device);

    const Appservices* appservices_ = nullptr;
    PasswordAuth& passwords_;
    LoginTokens& login_tokens_;
    Sessions& sessions_;
    storage::UserStore& users_;
    const core::Config& config_;
    core::RateLimiter by_address_;
    core::RateLimiter by_account_;
};

}  // namespace weft::handlers
