#include "weft/handlers/admin/registration_tokens.hpp"

#include <algorithm>

#include "weft/core/errors.hpp"
#include "weft/core/random.hpp"

namespace weft::handlers {

using core::MatrixError;

namespace {

constexpr std::int64_t kUsesMax = 2'147'483'647;

/// The opaque identifier grammar of the specification's appendices.
bool is_token(std::string_view text) {
    const auto belongs = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view{"._~-"}.find(c) != std::string_view::npos;
    };
    return !text.empty() && text.size() <= RegistrationTokens::kCharactersMax &&
           std::ranges::all_of(text, belongs);
}

void check(const RegistrationTokenLimits& limits) {
    if (limits.uses_allowed && (*limits.uses_allowed < 0 || *limits.uses_allowed > kUsesMax)) {
        throw MatrixError::invalid_param("uses_allowed must be a non-negative integer or null");
    }
    if (limits.expiry_ms && *limits.expiry_ms < 0) {
        throw MatrixError::invalid_param("expiry_time must not be in the past");
    }
}

MatrixError unknown_token(std::string_view token) {
    return MatrixError::not_found(fmt::format("No such registration token: {}", token));
}

}  // namespace

Task<std::vector<storage::RegistrationToken>> RegistrationTokens::list(std::optional<bool> valid) {
    auto tokens = co_await store_.list();
    if (!valid) co_return tokens;
    std::vector<storage::RegistrationToken> wanted;
    for (auto& token : tokens) {
        if (co_await store_.is_valid(token.token) == *valid) wanted.push_back(std::move(token));
    }
    co_return wanted;
}

Task<storage::RegistrationToken> RegistrationTokens::get(std::string token) {
    auto found = co_await store_.get(token);
    if (!found) throw unknown_token(token);
    co_return std::move(*found);
}

Task<storage::RegistrationToken> RegistrationTokens::create(std::optional<std::string> token,
                                                            std::int64_t characters,
                                                            RegistrationTokenLimits limits) {
    check(limits);
    if (characters < 1 || characters > kCharactersMax) {
        throw MatrixError::invalid_param("length must be 1 to 64");
    }
    storage::RegistrationToken made;
    made.token = token ? std::move(*token) : core::random_alphanumeric(static_cast<std::size_t>(characters));
    if (!is_token(made.token)) {
        throw MatrixError::invalid_param("A token has 1 to 64 of the characters [A-Za-z0-9._~-]");
    }
    made.uses_allowed = limits.uses_allowed;
    made.expiry_ms = limits.expiry_ms;
    if (!co_await store_.create(made)) throw MatrixError::invalid_param("The token exists already");
    co_return made;
}

Task<storage::RegistrationToken> RegistrationTokens::set_limits(std::string token,
                                                                RegistrationTokenLimits limits) {
    check(limits);
    co_await store_.set_limits(token, limits.uses_allowed, limits.expiry_ms);
    co_return co_await get(std::move(token));
}

Task<void> RegistrationTokens::remove(std::string token) {
    if (!co_await store_.remove(token)) throw unknown_token(token);
}

}  // namespace weft::handlers
