#pragma once

#include <string>

#include "weft/core/config.hpp"
#include "weft/core/errors.hpp"
#include "weft/core/task.hpp"
#include "weft/storage/access_token_store.hpp"
#include "weft/storage/user_store.hpp"

namespace weft::handlers {

/// What an administrator can do to an account short of deactivating it (client-server API, "Account
/// moderation"). A locked one cannot be used at all until it is unlocked; its sessions stay. A suspended one
/// can read and leave, but not write.
class AccountStatus {
public:
    AccountStatus(storage::UserStore& users, storage::AccessTokenStore& tokens, const core::Config& config)
        : users_{users}, tokens_{tokens}, config_{config} {}

    // Each throws MatrixError: M_INVALID_PARAM for a user of another server, 404 M_NOT_FOUND for one that is
    // unknown or deactivated, 403 M_FORBIDDEN for an administrator (also oneself).
    Task<bool> is_locked(std::string user_id);
    Task<bool> is_suspended(std::string user_id);
    /// In force everywhere when it returns.
    Task<void> set_locked(std::string user_id, bool locked);
    Task<void> set_suspended(std::string user_id, bool suspended);

private:
    Task<std::shared_ptr<const storage::User>> target(std::string user_id);

    storage::UserStore& users_;
    storage::AccessTokenStore& tokens_;
    const core::Config& config_;
};

/// 401 M_USER_LOCKED with `soft_logout`: the client keeps its data for the day the account is unlocked.
core::MatrixError account_locked();

}  // namespace weft::handlers
