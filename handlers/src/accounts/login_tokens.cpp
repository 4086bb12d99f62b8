#include "weft/handlers/accounts/login_tokens.hpp"

#include "weft/core/errors.hpp"
#include "weft/core/random.hpp"

namespace weft::handlers {
namespace {

constexpr std::size_t kTokenCharacters = 40;

}  // namespace

LoginTokens::LoginTokens(storage::LoginTokenStore& tokens, const core::Config& config,
                         const core::Clock& clock)
    : tokens_{tokens}, config_{config}, clock_{clock}, by_user_{clock, config.rc_login.account} {}

Task<LoginToken> LoginTokens::make(std::string user_id) {
    by_user_.acquire(user_id);
    LoginToken made;
    made.token = "syl_" + core::random_alphanumeric(kTokenCharacters);
    made.expires_in_ms = static_cast<std::int64_t>(config_.login_tokens.timeout_ms);
    co_await tokens_.add(made.token, std::move(user_id), clock_.now_ms() + made.expires_in_ms);
    co_return made;
}

Task<std::string> LoginTokens::use(std::string token) {
    auto user_id = co_await tokens_.use(std::move(token));
    if (!user_id) throw core::MatrixError::forbidden("Invalid login token");
    co_return std::move(*user_id);
}

}  // namespace weft::handlers
