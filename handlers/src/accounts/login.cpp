#include "weft/handlers/accounts/login.hpp"

#include "weft/core/errors.hpp"

namespace weft::handlers {

Login::Login(PasswordAuth& passwords, Sessions& sessions, const core::Config& config,
             const core::Clock& clock)
    : passwords_{passwords},
      sessions_{sessions},
      config_{config},
      by_address_{clock, config.rc_login.address},
      by_account_{clock, config.rc_login.account} {}

Task<Session> Login::by_password(PasswordLogin login) {
    if (!password_enabled()) throw core::MatrixError::unknown("Password login has been disabled");
    by_address_.acquire(login.remote_address);
    auto user_id = co_await passwords_.check(std::move(login.user_id), std::move(login.password));
    // After the password: otherwise anybody could lock anybody out by naming them. Wrong passwords have their
    // own limit.
    by_account_.acquire(user_id);
    co_return co_await sessions_.open(std::move(user_id), std::move(login.device));
}

}  // namespace weft::handlers
