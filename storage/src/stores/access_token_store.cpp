#include "weft/storage/access_token_store.hpp"

#include "stores/store_support.hpp"

namespace weft::storage {

namespace {

constexpr std::size_t kCacheEntries = 20'000;
constexpr auto kCacheName = "get_user_by_access_token";

constexpr Sql kGet{"get_user_by_access_token", R"sql(
    SELECT u.name, t.id, t.device_id, u.is_guest, u.admin, u.deactivated, t.valid_until_ms, u.appservice_id,
        u.locked, u.suspended, t.used IS FALSE
    FROM access_tokens AS t JOIN users AS u ON u.name = t.user_id WHERE t.token = $1)sql"};

constexpr Sql kInsert{"insert_access_token", R"sql(
    INSERT INTO access_tokens (id, user_id, device_id, token, valid_until_ms, refresh_token_id)
    VALUES (nextval('weft_access_token_id_seq'), $1, $2, $3, $4, $5) RETURNING id)sql"};

constexpr Sql kMarkUsed{"mark_access_token_used", R"sql(
    UPDATE access_tokens SET used = TRUE WHERE token = $1 AND used IS FALSE RETURNING refresh_token_id)sql"};

/// The token that was exchanged for this one, with the access token it came with.
constexpr Sql kReplacedTokens{"replaced_access_tokens", R"sql(
    SELECT token FROM access_tokens
    WHERE refresh_token_id IN (SELECT id FROM refresh_tokens WHERE next_token_id = $1))sql"};
constexpr Sql kDeleteReplaced{"delete_replaced_refresh_token",
                              "DELETE FROM refresh_tokens WHERE next_token_id = $1"};

constexpr Sql kDelete{"delete_access_token",
                      "DELETE FROM access_tokens WHERE token = $1 RETURNING token, id, device_id"};

constexpr Sql kDeleteOfUser{"delete_access_tokens_of_user", R"sql(
    DELETE FROM access_tokens WHERE user_id = $1 AND ($2::bigint IS NULL OR id <> $2)
    RETURNING token, id, device_id)sql"};

constexpr Sql kDeleteOfDevices{"delete_access_tokens_of_devices", R"sql(
    DELETE FROM access_tokens WHERE user_id = $1 AND device_id = ANY ($2::text[])
    RETURNING token, id, device_id)sql"};

/// Those of the device whose access token is kept stay.
constexpr Sql kDeleteRefreshOfUser{"delete_refresh_tokens_of_user", R"sql(
    DELETE FROM refresh_tokens WHERE user_id = $1 AND NOT EXISTS
        (SELECT FROM access_tokens AS a
         WHERE a.id = $2 AND a.user_id = refresh_tokens.user_id AND a.device_id = refresh_tokens.device_id))sql"};

constexpr Sql kDeleteRefreshOfDevices{"delete_refresh_tokens_of_devices", R"sql(
    DELETE FROM refresh_tokens WHERE user_id = $1 AND device_id = ANY ($2::text[]))sql"};

constexpr Sql kTokensOfUser{"access_tokens_of_user", "SELECT token FROM access_tokens WHERE user_id = $1"};

std::vector<DeletedToken> deleted_tokens(Transaction& txn, CacheStreamWriter& caches, const Rows& rows) {
    std::vector<DeletedToken> deleted;
    for (const auto row : rows) {
        deleted.push_back({row[0].str(), row[1].i64(), row[2].opt_str()});
        caches.invalidate(txn, kCacheName, {deleted.back().token});
    }
    return deleted;
}

}  // namespace

AccessTokenStore::AccessTokenStore(StoreContext context)
    : context_{std::move(context)}, tokens_{kCacheName, context_.scaled(kCacheEntries), context_.executor} {
    register_cache(context_.caches, kCacheName, tokens_);
}

Task<std::int64_t> AccessTokenStore::add_token(NewAccessToken token) {
    const auto rows = co_await context_.db.query(kInsert, token.user_id, token.device_id, token.token,
                                                 token.valid_until_ms, token.refresh_token_id);
    co_return rows.front()[0].i64();
}

Task<std::shared_ptr<const TokenOwner>> AccessTokenStore::get_user_by_access_token(std::string token) {
    const auto cached =
        co_await tokens_.get(token, [this](std::string key) -> Task<std::optional<TokenOwner>> {
            const auto rows = co_await context_.db.query(kGet, key);
            if (rows.empty()) co_return std::nullopt;
            const auto row = rows.front();
            TokenOwner owner;
            owner.user_id = row[0].str();
            owner.token_id = row[1].i64();
            owner.device_id = row[2].opt_str();
            owner.guest = row[3].i64() != 0;
            owner.admin = row[4].i64() != 0;
            owner.deactivated = row[5].i64() != 0;
            owner.valid_until_ms = row[6].opt_i64();
            owner.appservice_id = row[7].opt_str();
            owner.locked = row[8].boolean();
            owner.suspended = row[9].boolean();
            owner.unused = row[10].boolean();
            co_return owner;
        });
    if (!*cached) tokens_.invalidate(token);  // guesses must not push real tokens out
    co_return present(cached);
}

std::shared_ptr<const TokenOwner> AccessTokenStore::cached_user(const std::string& token) {
    const auto cached = tokens_.get_if_present(token);
    return cached ? present(cached) : nullptr;
}

Task<void> AccessTokenStore::mark_used(std::string token) {
    co_await context_.db.run("mark_access_token_used", [&, this](Transaction& txn) {
        const auto rows = txn.exec(kMarkUsed, token);
        context_.cache_writer.invalidate(txn, kCacheName, {token});
        if (rows.empty() || rows.front()[0].is_null()) return;
        const auto refresh_token_id = rows.front()[0].i64();
        for (const auto row : txn.exec(kReplacedTokens, refresh_token_id)) {
            context_.cache_writer.invalidate(txn, kCacheName, {row[0].str()});
        }
        txn.exec(kDeleteReplaced, refresh_token_id);
    });
}

Task<bool> AccessTokenStore::delete_token(std::string token) {
    co_return co_await context_.db.run("delete_access_token", [&, this](Transaction& txn) {
        return !deleted_tokens(txn, context_.cache_writer, txn.exec(kDelete, token)).empty();
    });
}

Task<std::vector<DeletedToken>> AccessTokenStore::delete_tokens_of_user(
    std::string user_id, std::optional<std::int64_t> except_token_id) {
    co_return co_await context_.db.run("delete_access_tokens_of_user", [&, this](Transaction& txn) {
        auto deleted =
            deleted_tokens(txn, context_.cache_writer, txn.exec(kDeleteOfUser, user_id, except_token_id));
        txn.exec(kDeleteRefreshOfUser, user_id, except_token_id);
        return deleted;
    });
}

Task<std::vector<DeletedToken>> AccessTokenStore::delete_tokens_of_devices(
    std::string user_id, std::vector<std::string> device_ids) {
    co_return co_await context_.db.run("delete_access_tokens_of_devices", [&, this](Transaction& txn) {
        auto deleted =
            deleted_tokens(txn, context_.cache_writer, txn.exec(kDeleteOfDevices, user_id, device_ids));
        txn.exec(kDeleteRefreshOfDevices, user_id, device_ids);
        return deleted;
    });
}

Task<void> AccessTokenStore::forget_cached_tokens_of_user(std::string user_id) {
    co_await context_.db.run("forget_cached_tokens_of_user", [&, this](Transaction& txn) {
        for (const auto row : txn.exec(kTokensOfUser, user_id)) {
            context_.cache_writer.invalidate(txn, kCacheName, {row[0].str()});
        }
    });
}

}  // namespace weft::storage
