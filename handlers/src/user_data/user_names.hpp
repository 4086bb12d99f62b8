#pragma once

#include <string>
#include <string_view>

namespace weft::handlers {

/// Throws M_FORBIDDEN: these are everybody's own.
void require_self(const std::string& requester, const std::string& user_id);
/// A name that clients choose and tables keep (type, tag, rule ID): 1 to 255 bytes without NUL. Throws
/// M_INVALID_PARAM that begins with `what`.
void check_name(std::string_view what, std::string_view name);

}  // namespace weft::handlers
