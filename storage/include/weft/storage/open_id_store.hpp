#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "weft/storage/store_context.hpp"

namespace weft::storage {

/// Tokens by which others can ask whose they are (open_id_tokens).
class OpenIdStore {
public:
    explicit OpenIdStore(StoreContext context) : context_{std::move(context)} {}

    /// Tokens that are no longer valid go.
    Task<void> add(std::string token, std::string user_id, std::int64_t valid_until_ms);
    /// Nothing if the token is unknown or not valid any more.
    Task<std::optional<std::string>> user_of(std::string token);

private:
    StoreContext context_;
};

}  // namespace weft::storage
