#pragma once

#include <optional>
#include <string>
#include <vector>

#include "weft/core/task.hpp"
#include "weft/storage/registration_token_store.hpp"

namespace weft::handlers {

/// What of a registration token is given with it or changes; not set: any number of uses, no end.
struct RegistrationTokenLimits {
    std::optional<std::int64_t> uses_allowed;
    std::optional<std::int64_t> expiry_ms;
};

/// Tokens that allow registration, as administrators make and change them.
class RegistrationTokens {
public:
    static constexpr std::int64_t kCharacters = 16;
    static constexpr std::int64_t kCharactersMax = 64;

    explicit RegistrationTokens(storage::RegistrationTokenStore& store) : store_{store} {}

    /// All, or only those that are valid now, or only the others.
    Task<std::vector<storage::RegistrationToken>> list(std::optional<bool> valid);
    /// Throws MatrixError 404 M_NOT_FOUND.
    Task<storage::RegistrationToken> get(std::string token);
    /// No token: one with so many random characters. Throws MatrixError M_INVALID_PARAM.
    Task<storage::RegistrationToken> create(std::optional<std::string> token, std::int64_t characters,
                                            RegistrationTokenLimits limits);
    Task<storage::RegistrationToken> set_limits(std::string token, RegistrationTokenLimits limits);
    /// Throws MatrixError 404 M_NOT_FOUND.
    Task<void> remove(std::string token);

private:
    storage::RegistrationTokenStore& store_;
};

}  // namespace weft::handlers
