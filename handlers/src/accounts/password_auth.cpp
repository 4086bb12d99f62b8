#include "weft/handlers/accounts/password_auth.hpp"

#include <algorithm>

#include "weft/core/errors.hpp"
#include "weft/core/password.hpp"
#include "weft/handlers/accounts/password_policy.hpp"

namespace weft::handlers {
namespace {

core::MatrixError wrong_password() {
    return core::MatrixError::forbidden("Invalid username or password");
}

std::string to_lower_ascii(std::string text) {
    std::ranges::transform(text, text.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return text;
}

}  // namespace

PasswordAuth::PasswordAuth(storage::UserStore& users, core::CpuPool& cpu, const core::Config& config,
                           const core::Clock& clock)
    : users_{users}, cpu_{cpu}, config_{config}, failures_{clock, config.rc_login.failed_attempts} {}

Task<std::shared_ptr<const storage::User>> PasswordAuth::find_account(std::string user_id) {
    if (auto exact = co_await users_.get_user(user_id)) co_return exact;
    const auto similar = co_await users_.find_case_insensitive(std::move(user_id));
    if (similar.size() != 1) co_return nullptr;
    co_return co_await users_.get_user(similar.front());
}

Task<std::string> PasswordAuth::check(std::string user_id, std::string password) {
    if (user_id.size() > 255) throw wrong_password();
    const auto key = to_lower_ascii(user_id);
    const auto guard = co_await per_account_.lock(key);
    if (const auto wait_ms = failures_.peek(key); wait_ms > 0)
        throw core::MatrixError::limit_exceeded(wait_ms);

    const auto account = co_await find_account(std::move(user_id));
    if (account && account->deactivated) {
        throw core::MatrixError{403, "M_USER_DEACTIVATED", "This account has been deactivated"};
    }
    bool right = false;
    // Whether an account exists is no secret (/register/available), so an unknown one costs no hash.
    if (account && account->password_hash && password.size() <= kPasswordBytesMax) {
        auto verify = [password = core::normalize_password(password) + config_.password_pepper,
                       hash = *account->password_hash] { return core::verify_password(password, hash); };
        right = co_await cpu_.run(std::move(verify));
    }
    if (!right) {
        failures_.try_acquire(key);
        throw wrong_password();
    }
    co_return account->user_id;
}

void PasswordAuth::check_acceptable(std::string_view password) const {
    if (password.empty()) throw core::MatrixError{400, "M_WEAK_PASSWORD", "The password must not be empty"};
    if (password.size() > kPasswordBytesMax) {
        throw core::MatrixError{
            400, "M_WEAK_PASSWORD",
            fmt::format("The password must not be longer than {} bytes", kPasswordBytesMax)};
    }
    if (const auto why = password_weakness(password, config_.password_policy)) {
        throw core::MatrixError{400, "M_WEAK_PASSWORD", *why};
    }
}

Task<std::string> PasswordAuth::hash(std::string password) {
    check_acceptable(password);
    // A worker of Synapse may have to check it.
    const bool for_synapse = config_.replication_dialect != "weft";
    auto make = [password = core::normalize_password(password) + config_.password_pepper, for_synapse] {
        return for_synapse ? core::hash_password_for_synapse(password) : core::hash_password(password);
    };
    co_return co_await cpu_.run(std::move(make));
}

}  // namespace weft::handlers
