#include "weft/handlers/accounts/open_id.hpp"

#include "weft/core/random.hpp"

namespace weft::handlers {

Task<std::string> OpenId::token_for(std::string user_id) {
    auto token = core::random_alphanumeric(32);
    co_await store_.add(token, std::move(user_id), clock_.now_ms() + kLifetimeMs);
    co_return token;
}

Task<std::optional<std::string>> OpenId::user_of(std::string token) {
    if (token.find('\0') != std::string::npos) co_return std::nullopt;
    co_return co_await store_.user_of(std::move(token));
}

}  // namespace weft::handlers
