#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "weft/core/clock.hpp"
#include "weft/storage/open_id_store.hpp"

namespace weft::handlers {

/// Proof for others of who somebody is (client-server API, "OpenID"; server-server API, "OpenID"). In any
/// process.
class OpenId {
public:
    static constexpr std::int64_t kLifetimeMs = 3'600'000;

    OpenId(storage::OpenIdStore& store, const core::Clock& clock, std::string server_name)
        : store_{store}, clock_{clock}, server_name_{std::move(server_name)} {}

    /// A token for the user, for an hour.
    Task<std::string> token_for(std::string user_id);
    /// Whose token it is; nothing if it is none.
    Task<std::optional<std::string>> user_of(std::string token);
    const std::string& server_name() const { return server_name_; }

private:
    storage::OpenIdStore& store_;
    const core::Clock& clock_;
    std::string server_name_;
};

}  // namespace weft::handlers
