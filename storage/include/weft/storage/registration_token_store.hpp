#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weft/storage/store_context.hpp"

namespace weft::storage {

/// A token that allows registration (client-server API, m.login.registration_token).
struct RegistrationToken {
    std::string token;
    std::optional<std::int64_t> uses_allowed;  // none: any number
    std::int64_t pending = 0;                  // registrations that have begun
    std::int64_t completed = 0;
    std::optional<std::int64_t> expiry_ms;  // milliseconds since the epoch
};

class RegistrationTokenStore {
public:
    explicit RegistrationTokenStore(StoreContext context) : context_{std::move(context)} {}

    /// False if the token exists.
    Task<bool> create(RegistrationToken token);
    Task<std::optional<RegistrationToken>> get(std::string token);
    Task<std::vector<RegistrationToken>> list();
    Task<bool> remove(std::string token);
    Task<void> set_limits(std::string token, std::optional<std::int64_t> uses_allowed,
                          std::optional<std::int64_t> expiry_ms);

    /// Neither expired nor used up now.
    Task<bool> is_valid(std::string token);
    /// A registration with the token begins: one use is held back for it. False if the token is not valid.
    Task<bool> reserve(std::string token);
    /// The registration is done: its use counts for good.
    Task<void> complete(std::string token);
    /// The registration was given up: its use is free again.
    Task<void> release(std::string token);

private:
    StoreContext context_;
};

}  // namespace weft::storage
