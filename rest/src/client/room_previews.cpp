#include "weft/rest/client/room_previews.hpp"

#include <algorithm>

#include "client/reading_params.hpp"
#include "client/room_params.hpp"
#include "weft/core/errors.hpp"

namespace weft::rest {

using core::MatrixError;

namespace {

constexpr std::int64_t kRoomsMax = 50;
constexpr std::int64_t kDepthMax = 50;

/// The token says how the tree was asked for first; that may be repeated, not changed.
void go_on_from(handlers::HierarchyQuery& query, const http::Request& request, std::string_view text) {
    const auto token = handlers::HierarchyToken::parse(text);
    if (!token) throw MatrixError::invalid_param("from: not a token of this server");
    const bool changed =
        (request.query_param("max_depth") && query.max_depth != token->max_depth) ||
        (request.query_param("suggested_only") && query.suggested_only != token->suggested_only);
    if (changed)
        throw MatrixError::invalid_param("suggested_only and max_depth cannot change on paginated requests");
    query.max_depth = std::min(token->max_depth, kDepthMax);
    query.suggested_only = token->suggested_only;
    query.index = token->index;
}

}  // namespace

void RoomPreviewEndpoints::register_on(http::Router& router) {
    auto summary = reading_endpoint("getRoomSummary", {});
    summary.paths = {"/_matrix/client/v1/room_summary/{roomIdOrAlias}",
                     "/_matrix/client/unstable/im.nheko.summary/summary/{roomIdOrAlias}",
                     "/_matrix/client/unstable/im.nheko.summary/rooms/{roomIdOrAlias}/summary"};
    summary.auth = http::Auth::kOptional;
    router.add(std::move(summary), std::bind_front(&RoomPreviewEndpoints::get_summary, this));
    auto hierarchy = reading_endpoint("getSpaceHierarchy", {});
    hierarchy.paths = http::client_paths({"v1"}, "/rooms/{roomId}/hierarchy");
    router.add(std::move(hierarchy), std::bind_front(&RoomPreviewEndpoints::get_hierarchy, this));
}

Task<http::Response> RoomPreviewEndpoints::get_summary(http::Request request) {
    std::optional<std::string> user_id;
    if (request.requester && !request.requester->user_id.empty()) user_id = request.requester->user_id;
    auto room_id = co_await directory_.room_of(request.param("roomIdOrAlias"));
    co_return http::Response::json(co_await previews_.summary(std::move(user_id), std::move(room_id)));
}

Task<http::Response> RoomPreviewEndpoints::get_hierarchy(http::Request request) {
    handlers::HierarchyQuery query{request.auth().user_id, room_id_of(request)};
    query.suggested_only = request.query_bool("suggested_only").value_or(false);
    const auto limit = request.query_int("limit").value_or(kRoomsMax);
    if (limit <= 0) throw MatrixError::invalid_param("limit: must be greater than zero");
    query.limit = static_cast<std::size_t>(std::min(limit, kRoomsMax));
    const auto depth = request.query_int("max_depth").value_or(kDepthMax);
    if (depth < 0) throw MatrixError::invalid_param("max_depth: must not be negative");
    query.max_depth = std::min(depth, kDepthMax);
    if (const auto from = request.query_param("from")) go_on_from(query, request, *from);
    auto page = co_await previews_.hierarchy(std::move(query));
    boost::json::object out{{"rooms", std::move(page.rooms)}};
    if (page.next) out["next_batch"] = page.next->to_string();
    co_return http::Response::json(out);
}

}  // namespace weft::rest
