#include "user_data/user_names.hpp"

#include <fmt/format.h>

#include "weft/core/errors.hpp"

namespace weft::handlers {
namespace {

/// As for types of events; an index of PostgreSQL could not hold much more.
constexpr std::size_t kNameBytesMax = 255;

}  // namespace

void require_self(const std::string& requester, const std::string& user_id) {
    if (requester != user_id) throw core::MatrixError::forbidden("This belongs to another user");
}

void check_name(std::string_view what, std::string_view name) {
    if (name.empty()) throw core::MatrixError::invalid_param(fmt::format("{} is empty", what));
    if (name.size() > kNameBytesMax) {
        throw core::MatrixError::invalid_param(
            fmt::format("{} is longer than {} bytes", what, kNameBytesMax));
    }
    if (name.find('\0') != std::string_view::npos) {
        throw core::MatrixError::invalid_param(fmt::format("{} contains NUL", what));
    }
}

}  // namespace weft::handlers
