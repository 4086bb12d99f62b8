#include "request_body.hpp"

#include "weft/core/errors.hpp"

namespace weft::http {

Task<std::string> RequestBody::next() {
    if (complete_) co_return std::string{};
    if (!read_) throw core::MatrixError::unknown("The request is over");
    auto piece = co_await read_();
    complete_ = piece.empty();
    co_return piece;
}

}  // namespace weft::http
