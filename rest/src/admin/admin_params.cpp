#include "admin/admin_params.hpp"

#include <algorithm>

#include "weft/core/errors.hpp"

namespace weft::rest {

using core::MatrixError;

namespace {

constexpr std::int64_t kFromMax = 1'000'000'000'000;

}  // namespace

http::Endpoint admin_endpoint(http::Method method, std::vector<std::string> tails, std::string operation) {
    http::Endpoint endpoint{.method = method,
                            .operation = std::move(operation),
                            .auth = http::Auth::kAdmin,
                            .runs_at = http::RunsAt::kMaster};
    for (auto& tail : tails) endpoint.paths.push_back("/_synapse/admin" + std::move(tail));
    return endpoint;
}

PageParams page_params(const http::Request& request, const std::vector<std::string>& orders) {
    PageParams params;
    params.from = request.query_int("from").value_or(0);
    params.limit = request.query_int("limit").value_or(100);
    if (params.from < 0 || params.from > kFromMax) throw MatrixError::invalid_param("from is out of range");
    if (params.limit < 0 || params.limit > 10'000)
        throw MatrixError::invalid_param("limit must be 0 to 10000");
    const auto dir = request.query_param("dir").value_or("f");
    if (dir != "f" && dir != "b") throw MatrixError::invalid_param("dir must be f or b");
    params.backwards = dir == "b";
    params.order_by = std::string{request.query_param("order_by").value_or(orders.front())};
    if (std::ranges::find(orders, params.order_by) == orders.end()) {
        throw MatrixError::invalid_param("order_by names no order");
    }
    return params;
}

std::optional<std::string> text_param(const http::Request& request, std::string_view name) {
    const auto value = request.query_param(name);
    if (!value || value->empty()) return std::nullopt;
    if (value->find('\0') != value->npos) throw MatrixError::invalid_param("NUL is no text");
    return std::string{*value};
}

proto::RoomId admin_room_id(const http::Request& request) {
    auto id = proto::RoomId::parse(request.param("room_id"));
    if (!id) throw MatrixError::invalid_param(id.error().message);
    return std::move(*id);
}

}  // namespace weft::rest
