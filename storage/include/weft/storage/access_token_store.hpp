#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weft/core/cache.hpp"
#include "weft/storage/store_context.hpp"

namespace weft::storage {

/// Whom an access token belongs to.
struct TokenOwner {
    std::string user_id;
    std::int64_t token_id = 0;
    std::optional<std::string> device_id;
    bool guest = false;
    bool admin = false;
    bool deactivated = false;
    bool locked = false;
    bool suspended = false;
    /// Milliseconds since the epoch; the caller compares it with its clock.
    std::optional<std::int64_t> valid_until_ms;
    std::optional<std::string> appservice_id;
    /// A refreshed token that no request was made with yet: what it replaced is still good.
    bool unused = false;
};

struct NewAccessToken {
    std::string user_id;
    std::string token;
    std::optional<std::string> device_id;
    std::optional<std::int64_t> valid_until_ms;
    std::optional<std::int64_t> refresh_token_id = std::nullopt;
};

struct DeletedToken {
    std::string token;
    std::int64_t token_id = 0;
    std::optional<std::string> device_id;
};

/// Access tokens. Caches: get_user_by_access_token; every deletion leaves a row on the caches stream, so that
/// a token that was logged out stops working in all processes.
class AccessTokenStore {
public:
    explicit AccessTokenStore(StoreContext context);

    /// Returns the token's ID. Throws UniqueViolation if the token exists.
    Task<std::int64_t> add_token(NewAccessToken token);
    /// Null if the token is unknown. Cached.
    Task<std::shared_ptr<const TokenOwner>> get_user_by_access_token(std::string token);
    /// From memory only: null if it is not there.
    std::shared_ptr<const TokenOwner> cached_user(const std::string& token);
    /// The first request was made with a token: what was refreshed to get it is good no more.
    Task<void> mark_used(std::string token);
    /// False if there was none.
    Task<bool> delete_token(std::string token);
    /// All tokens of the user, with those that refresh them, but for the one with this ID if given.
    Task<std::vector<DeletedToken>> delete_tokens_of_user(
        std::string user_id, std::optional<std::int64_t> except_token_id = std::nullopt);
    Task<std::vector<DeletedToken>> delete_tokens_of_devices(std::string user_id,
                                                             std::vector<std::string> device_ids);
    /// What the user may do has changed (admin, deactivated): no process may answer from an old copy.
    Task<void> forget_cached_tokens_of_user(std::string user_id);

private:
    StoreContext context_;
    core::Cache<std::string, std::optional<TokenOwner>> tokens_;
};

}  // namespace weft::storage
