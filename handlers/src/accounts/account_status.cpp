#include "weft/handlers/accounts/account_status.hpp"

#include "weft/proto/ids.hpp"

namespace weft::handlers {

core::MatrixError account_locked() {
    return core::MatrixError{401, "M_USER_LOCKED", "This account has been locked"}.with("soft_logout", true);
}

Task<std::shared_ptr<const storage::User>> AccountStatus::target(std::string user_id) {
    const auto parsed = proto::UserId::parse(user_id);
    if (!parsed || parsed->server_name() != config_.server_name) {
        throw core::MatrixError::invalid_param("Only users of this server can be looked up");
    }
    auto user = co_await users_.get_user(std::move(user_id));
    if (!user || user->deactivated) throw core::MatrixError::not_found("User not found");
    if (user->admin) throw core::MatrixError::forbidden("The user is a server administrator");
    co_return user;
}

Task<bool> AccountStatus::is_locked(std::string user_id) {
    const auto user = co_await target(std::move(user_id));
    co_return user->locked;
}

Task<bool> AccountStatus::is_suspended(std::string user_id) {
    const auto user = co_await target(std::move(user_id));
    co_return user->suspended;
}

Task<void> AccountStatus::set_locked(std::string user_id, bool locked) {
    co_await target(user_id);
    co_await users_.set_locked(user_id, locked);
    co_await tokens_.forget_cached_tokens_of_user(std::move(user_id));
}

Task<void> AccountStatus::set_suspended(std::string user_id, bool suspended) {
    co_await target(user_id);
    co_await users_.set_suspended(user_id, suspended);
    co_await tokens_.forget_cached_tokens_of_user(std::move(user_id));
}

}  // namespace weft::handlers
