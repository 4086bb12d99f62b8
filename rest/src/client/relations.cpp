#include "weft/rest/client/relations.hpp"

#include "client/reading_params.hpp"
#include "client/room_params.hpp"
#include "weft/core/errors.hpp"

namespace weft::rest {

using core::MatrixError;

namespace {

constexpr std::int64_t kLimitMax = 100;
/// How far relations of relations are followed. The specification asks for three at least.
constexpr int kRecursionDepth = 3;

/// A part of the path that is looked for in the database.
std::optional<std::string> type_in(const http::Request& request, std::string_view name) {
    const auto found = request.path_params.find(name);
    if (found == request.path_params.end()) return std::nullopt;
    if (found->second.find('\0') != std::string::npos) {
        throw MatrixError::invalid_param(fmt::format("{}: holds NUL", name));
    }
    return found->second;
}

std::size_t page_limit(const http::Request& request) {
    const auto limit = request.query_int("limit");
    if (limit && *limit <= 0) throw MatrixError::invalid_param("limit: must be greater than zero");
    return limit_in(request, {}, 1, kLimitMax);
}

http::Endpoint v1_endpoint(std::string operation, std::string_view tail) {
    auto endpoint = reading_endpoint(std::move(operation), {});
    endpoint.paths = http::client_paths({"v1", "unstable"}, tail);
    return endpoint;
}

}  // namespace

void RelationsEndpoints::register_on(http::Router& router) {
    const std::string tail = "/rooms/{roomId}/relations/{eventId}";
    for (const auto& [operation, rest] :
         {std::pair{"getRelatingEvents", ""}, std::pair{"getRelatingEventsWithRelType", "/{relType}"},
          std::pair{"getRelatingEventsWithRelTypeAndEventType", "/{relType}/{eventType}"}}) {
        router.add(v1_endpoint(operation, tail + rest),
                   std::bind_front(&RelationsEndpoints::get_relations, this));
    }
    router.add(v1_endpoint("getThreadRoots", "/rooms/{roomId}/threads"),
               std::bind_front(&RelationsEndpoints::get_threads, this));
}

Task<http::Response> RelationsEndpoints::get_relations(http::Request request) {
    storage::RelationQuery query{room_id_of(request), event_id_of(request)};
    query.rel_type = type_in(request, "relType");
    query.event_type = type_in(request, "eventType");
    if (request.query_param("dir")) query.direction = direction_in(request);
    query.from = token_in(request, "from");
    query.to = token_in(request, "to");
    query.limit = page_limit(request);
    const auto recurse = request.query_bool("recurse");
    if (recurse.value_or(false)) query.depth = kRecursionDepth;
    const auto from = query.from;
    const auto depth = query.depth;
    const auto page = co_await related_.page(request.auth().user_id, std::move(query));

    auto viewer = viewer_of(request, clock_);
    co_await aggregations_.add_to(viewer, page.chunk);
    proto::JsonWriter writer{256 + 512 * page.chunk.size()};
    writer.begin_object();
    write_events(writer, "chunk", page.chunk, viewer);
    if (page.next) writer.member("next_batch", page.next->to_string());
    if (from) writer.member("prev_batch", *request.query_param("from"));
    if (recurse) writer.member("recursion_depth", depth);
    co_return http::Response::raw_json(writer.end_object().take());
}

Task<http::Response> RelationsEndpoints::get_threads(http::Request request) {
    handlers::ThreadsWanted wanted{request.auth().user_id, room_id_of(request)};
    const auto include = request.query_param("include").value_or("all");
    if (include != "all" && include != "participated")
        throw MatrixError::invalid_param("include: all or participated");
    wanted.participated = include == "participated";
    wanted.from = token_in(request, "from");
    wanted.limit = page_limit(request);
    if (wanted.from && !wanted.from->topological)
        throw MatrixError::invalid_param("from: not a token of this list");
    const auto page = co_await related_.threads(std::move(wanted));

    auto viewer = viewer_of(request, clock_);
    co_await aggregations_.add_to(viewer, page.chunk);
    proto::JsonWriter writer{256 + 512 * page.chunk.size()};
    writer.begin_object();
    write_events(writer, "chunk", page.chunk, viewer);
    if (page.next) writer.member("next_batch", page.next->to_string());
    co_return http::Response::raw_json(writer.end_object().take());
}

}  // namespace weft::rest
