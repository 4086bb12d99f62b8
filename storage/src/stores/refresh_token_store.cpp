#include "weft/storage/refresh_token_store.hpp"

namespace weft::storage {
namespace {

constexpr auto kAccessTokenCacheName = "get_user_by_access_token";

constexpr Sql kInsert{"insert_refresh_token", R"sql(
    INSERT INTO refresh_tokens (id, user_id, device_id, token, expiry_ts, ultimate_session_expiry_ts)
    VALUES (nextval('weft_refresh_token_id_seq'), $1, $2, $3, $4, $5) RETURNING id)sql"};

constexpr Sql kGet{"get_refresh_token", R"sql(
    SELECT r.id, r.user_id, r.device_id, r.expiry_ts, r.ultimate_session_expiry_ts,
        next.next_token_id IS NOT NULL
            OR EXISTS (SELECT FROM access_tokens AS a WHERE a.refresh_token_id = next.id AND a.used) AS spent,
        r.next_token_id
    FROM refresh_tokens AS r LEFT JOIN refresh_tokens AS next ON next.id = r.next_token_id
    WHERE r.token = $1 FOR UPDATE OF r)sql"};

constexpr Sql kInsertAccess{"insert_refreshed_access_token", R"sql(
    INSERT INTO access_tokens (id, user_id, device_id, token, valid_until_ms, refresh_token_id, used)
    VALUES (nextval('weft_access_token_id_seq'), $1, $2, $3, $4, $5, FALSE))sql"};

constexpr Sql kSetNext{"set_next_refresh_token",
                       "UPDATE refresh_tokens SET next_token_id = $2 WHERE id = $1"};

constexpr Sql kAccessTokens{"access_tokens_of_refresh_token",
                            "SELECT token FROM access_tokens WHERE refresh_token_id = $1"};
constexpr Sql kDelete{"delete_refresh_token", "DELETE FROM refresh_tokens WHERE id = $1"};
constexpr Sql kIdsBefore{"refresh_tokens_exchanged_for",
                         "SELECT id FROM refresh_tokens WHERE next_token_id = $1"};

std::int64_t insert(Transaction& txn, const NewRefreshToken& token) {
    return txn
        .exec(kInsert, token.user_id, token.device_id, token.token, token.expiry_ms, token.session_expiry_ms)
        .front()[0]
        .i64();
}

void remove(Transaction& txn, CacheStreamWriter& caches, std::int64_t id) {
    for (const auto row : txn.exec(kAccessTokens, id)) {
        caches.invalidate(txn, kAccessTokenCacheName, {row[0].str()});
    }
    txn.exec(kDelete, id);
}

}  // namespace

Task<std::int64_t> RefreshTokenStore::add(NewRefreshToken token) {
    co_return co_await context_.db.run("add_refresh_token",
                                       [&](Transaction& txn) { return insert(txn, token); });
}

Task<std::optional<RefreshToken>> RefreshTokenStore::get(std::string token) {
    const auto rows = co_await context_.db.query(kGet, token);
    if (rows.empty()) co_return std::nullopt;
    const auto row = rows.front();
    RefreshToken found;
    found.id = row[0].i64();
    found.user_id = row[1].str();
    found.device_id = row[2].str();
    found.expiry_ms = row[3].opt_i64();
    found.session_expiry_ms = row[4].opt_i64();
    found.spent = row[5].boolean();
    co_return found;
}

Task<bool> RefreshTokenStore::exchange(std::string old_token, NewRefreshToken token,
                                       RefreshedAccessToken access_token) {
    co_return co_await context_.db.run("exchange_refresh_token", [&, this](Transaction& txn) {
        const auto rows = txn.exec(kGet, old_token);
        if (rows.empty() || rows.front()[5].boolean()) return false;
        const auto old_id = rows.front()[0].i64();
        const auto lost_id = rows.front()[6].opt_i64();
        const auto new_id = insert(txn, token);
        txn.exec(kInsertAccess, token.user_id, token.device_id, access_token.token,
                 access_token.valid_until_ms, new_id);
        txn.exec(kSetNext, old_id, new_id);
        // The answer to an earlier exchange never arrived: nobody has used what was in it.
        if (lost_id) remove(txn, context_.cache_writer, *lost_id);
        // This token was used, so the one before it has done its duty.
        for (const auto row : txn.exec(kIdsBefore, old_id)) remove(txn, context_.cache_writer, row[0].i64());
        return true;
    });
}

}  // namespace weft::storage
