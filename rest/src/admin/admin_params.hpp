#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client/body_members.hpp"
#include "weft/http/router.hpp"
#include "weft/proto/ids.hpp"

/// What the endpoints of the admin API share.
namespace weft::rest {

/// A row of the table: for administrators, in the master.
http::Endpoint admin_endpoint(http::Method method, std::vector<std::string> tails, std::string operation);

struct PageParams {
    std::int64_t from = 0;
    std::int64_t limit = 100;
    bool backwards = false;
    std::string order_by;
};
/// `from`, `limit`, `dir`, and `order_by`, which must be one of `orders`. Throws MatrixError M_INVALID_PARAM.
PageParams page_params(const http::Request& request, const std::vector<std::string>& orders);

/// A text parameter of the query, unless it is empty.
std::optional<std::string> text_param(const http::Request& request, std::string_view name);
/// `{room_id}` of the path. Throws MatrixError M_INVALID_PARAM.
proto::RoomId admin_room_id(const http::Request& request);

}  // namespace weft::rest
