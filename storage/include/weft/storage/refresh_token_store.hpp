#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "weft/storage/store_context.hpp"

namespace weft::storage {

/// A token that a client exchanges for a new access token. Times in milliseconds since the epoch.
struct RefreshToken {
    std::int64_t id = 0;
    std::string user_id;
    std::string device_id;
    std::optional<std::int64_t> expiry_ms;
    /// The session ends then, however often it is refreshed.
    std::optional<std::int64_t> session_expiry_ms;
    /// It was exchanged, and what it was exchanged for has been used: it is good no more.
    bool spent = false;
};

struct NewRefreshToken {
    std::string user_id;
    std::string device_id;
    std::string token;
    std::optional<std::int64_t> expiry_ms;
    std::optional<std::int64_t> session_expiry_ms;
};

/// An access token that goes with a refresh token.
struct RefreshedAccessToken {
    std::string token;
    std::optional<std::int64_t> valid_until_ms;
};

/// Refresh tokens (client-server API, "Refreshing access tokens"). An exchanged token stays good until what
/// it was exchanged for is used: the answer may have been lost. The access token it came with lives as long.
class RefreshTokenStore {
public:
    explicit RefreshTokenStore(StoreContext context) : context_{std::move(context)} {}

    /// The first one of a session; returns its ID.
    Task<std::int64_t> add(NewRefreshToken token);
    Task<std::optional<RefreshToken>> get(std::string token);
    /// Exchanges `old_token` for both new ones. False if it is unknown or spent.
    Task<bool> exchange(std::string old_token, NewRefreshToken token, RefreshedAccessToken access_token);

private:
    StoreContext context_;
};

}  // namespace weft::storage
