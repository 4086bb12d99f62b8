#pragma once

#include <string>

#include "weft/core/clock.hpp"
#include "weft/core/config.hpp"
#include "weft/core/rate_limiter.hpp"
#include "weft/core/task.hpp"
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

/// Logs people in by password (client-server API, "Legacy login").
class Login {
public:
    Login(PasswordAuth& passwords, Sessions& sessions, const core::Config& config, const core::Clock& clock);

    bool password_enabled() const { return config_.password_login_enabled; }

    /// Throws MatrixError: as PasswordAuth::check() and Sessions::open(); M_LIMIT_EXCEEDED by address and
    /// account (rc_login); M_UNKNOWN where password login is switched off.
    Task<Session> by_password(PasswordLogin login);

    /// An application service, who says so by its token, for a user of its own. Throws MatrixError: M_FORBIDDEN,
    /// M_EXCLUSIVE.
    Task<Session> by_appservice(std::string as_token, std::string user_id, DeviceChoice device);
    void use_appservices(const Appservices& services, storage::UserStore& users) {
        appservices_ = &services;
        users_ = &users;
    }
    bool has_appservices() const { return appservices_ && !appservices_->all().empty(); }

private:
    const Appservices* appservices_ = nullptr;
    storage::UserStore* users_ = nullptr;
    PasswordAuth& passwords_;
    Sessions& sessions_;
    const core::Config& config_;
    core::RateLimiter by_address_;
    core::RateLimiter by_account_;
};

}  // namespace weft::handlers
