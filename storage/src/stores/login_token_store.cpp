#include "weft/storage/login_token_store.hpp"

namespace weft::storage {
namespace {

constexpr Sql kAdd{"add_login_token", R"sql(
    WITH expired AS (DELETE FROM login_tokens WHERE expiry_ts < $4)
    INSERT INTO login_tokens (token, user_id, expiry_ts) VALUES ($1, $2, $3))sql"};

constexpr Sql kUse{"use_login_token", R"sql(
    UPDATE login_tokens SET used_ts = $2 WHERE token = $1 AND used_ts IS NULL AND expiry_ts >= $2
    RETURNING user_id)sql"};

}  // namespace

Task<void> LoginTokenStore::add(std::string token, std::string user_id, std::int64_t expiry_ms) {
    co_await context_.db.query(kAdd, token, user_id, expiry_ms, context_.clock.now_ms());
}

Task<std::optional<std::string>> LoginTokenStore::use(std::string token) {
    const auto rows = co_await context_.db.query(kUse, token, context_.clock.now_ms());
    if (rows.empty()) co_return std::nullopt;
    co_return rows.front()[0].str();
}

}  // namespace weft::storage
