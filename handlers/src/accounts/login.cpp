#include "weft/handlers/accounts/login.hpp"

#include "weft/core/errors.hpp"
#include "weft/handlers/accounts/account_status.hpp"

namespace weft::handlers {

Login::Login(PasswordAuth& passwords, LoginTokens& login_tokens, Sessions& sessions,
             storage::UserStore& users, const core::Config& config, const core::Clock& clock)
    : passwords_{passwords},
      login_tokens_{login_tokens},
      sessions_{sessions},
      users_{users},
      config_{config},
      by_address_{clock, config.rc_login.address},
      by_account_{clock, config.rc_login.account} {}

Task<Session> Login::by_password(PasswordLogin login) {
    if (!password_enabled()) throw core::MatrixError::unknown("Password login has been disabled");
    by_address_.acquire(login.remote_address);
    auto user_id = co_await passwords_.check(std::move(login.user_id), std::move(login.password));
    co_return co_await open(std::move(user_id), std::move(login.device));
}

Task<Session> Login::by_token(TokenLogin login) {
    by_address_.acquire(login.remote_address);
    auto user_id = co_await login_tokens_.use(std::move(login.token));
    co_return co_await open(std::move(user_id), std::move(login.device));
}

Task<Session> Login::open(std::string user_id, DeviceChoice device) {
    // After the proof: otherwise anybody could lock anybody out by naming them. Wrong passwords have their
    // own limit.
    by_account_.acquire(user_id);
    const auto user = co_await users_.get_user(user_id);
    if (!user) throw core::MatrixError::forbidden("There is no such account");
    if (user->deactivated) {
        throw core::MatrixError{403, "M_USER_DEACTIVATED", "This account has been deactivated"};
    }
    if (user->locked) throw account_locked();
    co_return co_await sessions_.open(std::move(user_id), std::move(device));
}

Task<Session> Login::by_appservice(std::string as_token, std::string user_id, DeviceChoice device) {
    const auto* service = appservices_ ? appservices_->with_token(as_token) : nullptr;
    if (!service) throw core::MatrixError::forbidden("This is not the token of an application service");
    if (!appservices_->has_user(*service, user_id)) {
        throw core::MatrixError{403, "M_EXCLUSIVE", "The user is not in the namespaces of this application service"};
    }
    const auto user = co_await users_.get_user(user_id);
    if (!user || user->deactivated) throw core::MatrixError::forbidden("The user is not registered");
    co_return co_await sessions_.open(std::move(user_id), std::move(device));
}

}  // namespace weft::handlers
