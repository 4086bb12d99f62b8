#include "weft/handlers/accounts/password_policy.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "character_count.hpp"

namespace weft::handlers {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}
bool is_symbol(char c) {
    return !is_digit(c) && !is_lower(c) && !is_upper(c);
}

}  // namespace

std::optional<std::string> password_weakness(std::string_view password, const core::PasswordPolicy& policy) {
    if (!policy.enabled) return std::nullopt;
    if (character_count(password) < policy.minimum_length) {
        return fmt::format("The password must be at least {} characters long", policy.minimum_length);
    }
    const struct {
        bool required;
        bool (*belongs)(char);
        std::string_view what;
    } kinds[] = {{policy.require_digit, is_digit, "a digit"},
                 {policy.require_symbol, is_symbol, "a symbol"},
                 {policy.require_lowercase, is_lower, "a lowercase letter"},
                 {policy.require_uppercase, is_upper, "an uppercase letter"}};
    for (const auto& kind : kinds) {
        if (kind.required && std::ranges::none_of(password, kind.belongs)) {
            return fmt::format("The password must contain {}", kind.what);
        }
    }
    return std::nullopt;
}

}  // namespace weft::handlers
