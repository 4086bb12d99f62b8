#pragma once

#include <cstdint>
#include <string>

#include "weft/core/clock.hpp"
#include "weft/core/config.hpp"
#include "weft/core/rate_limiter.hpp"
#include "weft/core/task.hpp"
#include "weft/storage/login_token_store.hpp"

namespace weft::handlers {

/// What a logged-in client shows to a new one, which logs in with it (m.login.token).
struct LoginToken {
    std::string token;
    std::int64_t expires_in_ms = 0;
};

/// Makes and takes login tokens: short-lived, good for one login. Runs in the master.
class LoginTokens {
public:
    LoginTokens(storage::LoginTokenStore& tokens, const core::Config& config, const core::Clock& clock);

    bool enabled() const { return config_.login_tokens.enabled; }
    bool requires_ui_auth() const { return config_.login_tokens.require_ui_auth; }
    /// Throws MatrixError M_LIMIT_EXCEEDED by user.
    Task<LoginToken> make(std::string user_id);
    /// Whom the token logs in. Throws MatrixError 403 M_FORBIDDEN for one that is unknown, used or old.
    Task<std::string> use(std::string token);

private:
    storage::LoginTokenStore& tokens_;
    const core::Config& config_;
    const core::Clock& clock_;
    core::RateLimiter by_user_;
};

}  // namespace weft::handlers
