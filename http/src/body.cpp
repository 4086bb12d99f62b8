#include "weft/http/body.hpp"

#include "weft/core/errors.hpp"

namespace weft::http {

Task<std::string> read_all(BodyStreamPtr body, std::size_t bytes_max) {
    std::string out;
    for (;;) {
        auto piece = co_await body->next();
        if (piece.empty()) co_return out;
        if (piece.size() > bytes_max - out.size()) throw core::MatrixError::too_large("The body is too large");
        out += piece;
    }
}

}  // namespace weft::http
