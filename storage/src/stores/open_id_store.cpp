#include "weft/storage/open_id_store.hpp"

namespace weft::storage {
namespace {

constexpr Sql kAdd{"add_open_id_token", R"sql(
    WITH expired AS (DELETE FROM open_id_tokens WHERE ts_valid_until_ms < $4::bigint)
    INSERT INTO open_id_tokens (token, ts_valid_until_ms, user_id) VALUES ($1, $2, $3))sql"};
constexpr Sql kUserOf{"user_of_open_id_token",
                      "SELECT user_id FROM open_id_tokens WHERE token = $1 AND ts_valid_until_ms >= $2"};

}  // namespace

Task<void> OpenIdStore::add(std::string token, std::string user_id, std::int64_t valid_until_ms) {
    co_await context_.db.query(kAdd, token, valid_until_ms, user_id, context_.clock.now_ms());
}

Task<std::optional<std::string>> OpenIdStore::user_of(std::string token) {
    const auto rows = co_await context_.db.query(kUserOf, token, context_.clock.now_ms());
    co_return rows.empty() ? std::nullopt : std::optional{rows.front()[0].str()};
}

}  // namespace weft::storage
