#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "weft/core/config.hpp"

namespace weft::handlers {

/// What the policy (password_config.policy) finds missing in a password, as a sentence; nothing if it may be
/// used. Letters and digits are ASCII's; every other character is a symbol.
std::optional<std::string> password_weakness(std::string_view password, const core::PasswordPolicy& policy);

}  // namespace weft::handlers
