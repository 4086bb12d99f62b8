#include "weft/storage/registration_token_store.hpp"

namespace weft::storage {

namespace {

constexpr Sql kInsert{"insert_registration_token", R"sql(
    INSERT INTO registration_tokens (token, uses_allowed, pending, completed, expiry_time)
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT (token) DO NOTHING)sql"};

constexpr Sql kGet{"get_registration_token", R"sql(
    SELECT token, uses_allowed, pending, completed, expiry_time FROM registration_tokens WHERE token = $1)sql"};

constexpr Sql kList{"list_registration_tokens", R"sql(
    SELECT token, uses_allowed, pending, completed, expiry_time FROM registration_tokens ORDER BY token)sql"};

constexpr Sql kDelete{"delete_registration_token", "DELETE FROM registration_tokens WHERE token = $1"};

constexpr Sql kSetLimits{"set_registration_token_limits", R"sql(
    UPDATE registration_tokens SET uses_allowed = $2, expiry_time = $3 WHERE token = $1)sql"};

constexpr Sql kIsValid{"registration_token_is_valid", R"sql(
    SELECT 1 FROM registration_tokens WHERE token = $1
    AND (uses_allowed IS NULL OR pending + completed < uses_allowed)
    AND (expiry_time IS NULL OR expiry_time > $2))sql"};

constexpr Sql kReserve{"reserve_registration_token", R"sql(
    UPDATE registration_tokens SET pending = pending + 1 WHERE token = $1
    AND (uses_allowed IS NULL OR pending + completed < uses_allowed)
    AND (expiry_time IS NULL OR expiry_time > $2))sql"};

constexpr Sql kComplete{"complete_registration_token", R"sql(
    UPDATE registration_tokens SET completed = completed + 1, pending = GREATEST(pending - 1, 0) WHERE token = $1)sql"};

constexpr Sql kRelease{"release_registration_token",
                       "UPDATE registration_tokens SET pending = GREATEST(pending - 1, 0) WHERE token = $1"};

RegistrationToken to_token(const Rows::Row& row) {
    return {row[0].str(), row[1].opt_i64(), row[2].i64(), row[3].i64(), row[4].opt_i64()};
}

}  // namespace

Task<bool> RegistrationTokenStore::create(RegistrationToken token) {
    const auto result = co_await context_.db.query(kInsert, token.token, token.uses_allowed, token.pending,
                                                   token.completed, token.expiry_ms);
    co_return result.affected() == 1;
}

Task<std::optional<RegistrationToken>> RegistrationTokenStore::get(std::string token) {
    const auto rows = co_await context_.db.query(kGet, token);
    if (rows.empty()) co_return std::nullopt;
    co_return to_token(rows.front());
}

Task<std::vector<RegistrationToken>> RegistrationTokenStore::list() {
    std::vector<RegistrationToken> tokens;
    for (const auto row : co_await context_.db.query(kList)) tokens.push_back(to_token(row));
    co_return tokens;
}

Task<bool> RegistrationTokenStore::remove(std::string token) {
    co_return (co_await context_.db.query(kDelete, token)).affected() == 1;
}

Task<void> RegistrationTokenStore::set_limits(std::string token, std::optional<std::int64_t> uses_allowed,
                                              std::optional<std::int64_t> expiry_ms) {
    co_await context_.db.query(kSetLimits, token, uses_allowed, expiry_ms);
}

Task<bool> RegistrationTokenStore::is_valid(std::string token) {
    co_return !(co_await context_.db.query(kIsValid, token, context_.clock.now_ms())).empty();
}

Task<bool> RegistrationTokenStore::reserve(std::string token) {
    co_return (co_await context_.db.query(kReserve, token, context_.clock.now_ms())).affected() == 1;
}

Task<void> RegistrationTokenStore::complete(std::string token) {
    co_await context_.db.query(kComplete, token);
}

Task<void> RegistrationTokenStore::release(std::string token) {
    co_await context_.db.query(kRelease, token);
}

}  // namespace weft::storage
