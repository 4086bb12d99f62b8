#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "weft/storage/store_context.hpp"

namespace weft::storage {

/// Tokens of m.login.token, each good for one login until it expires.
class LoginTokenStore {
public:
    explicit LoginTokenStore(StoreContext context) : context_{std::move(context)} {}

    /// Also removes those that have expired.
    Task<void> add(std::string token, std::string user_id, std::int64_t expiry_ms);
    /// The user it was made for; nothing if it is unknown, used or expired. It is used from now on.
    Task<std::optional<std::string>> use(std::string token);

private:
    StoreContext context_;
};

}  // namespace weft::storage
