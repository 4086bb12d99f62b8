#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "weft/core/async.hpp"
#include "weft/core/clock.hpp"
#include "weft/core/config.hpp"
#include "weft/core/linearizer.hpp"
#include "weft/core/rate_limiter.hpp"
#include "weft/core/task.hpp"
#include "weft/storage/user_store.hpp"

namespace weft::handlers {

/// Checks and makes passwords. Hashing runs on the CPU pool; checks of one account run one after the other,
/// so that the limit of failed attempts (rc_login.failed_attempts) holds for attempts made at once, too.
class PasswordAuth {
public:
    static constexpr std::size_t kPasswordBytesMax = 512;

    PasswordAuth(storage::UserStore& users, core::CpuPool& cpu, const core::Config& config,
                 const core::Clock& clock);

    /// The account that `user_id` names (letter case does not matter where only one fits) if `password` opens
    /// it. Throws MatrixError: 403 M_FORBIDDEN (also for an unknown account), 403 M_USER_DEACTIVATED,
    /// M_LIMIT_EXCEEDED.
    Task<std::string> check(std::string user_id, std::string password);

    /// Throws MatrixError 400 M_WEAK_PASSWORD for a new password that is empty or too long, or that the
    /// configured policy does not allow.
    void check_acceptable(std::string_view password) const;
    /// The hash to store of an acceptable password.
    Task<std::string> hash(std::string password);

private:
    Task<std::shared_ptr<const storage::User>> find_account(std::string user_id);

    storage::UserStore& users_;
    core::CpuPool& cpu_;
    const core::Config& config_;
    core::RateLimiter failures_;
    core::Linearizer per_account_{"password_check"};
};

}  // namespace weft::handlers
