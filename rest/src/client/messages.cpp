#include "weft/rest/client/messages.hpp"

#include "client/reading_params.hpp"
#include "client/room_params.hpp"

namespace weft::rest {

namespace {

constexpr std::int64_t kLimitMax = 1000;

}  // namespace

void MessagesEndpoints::register_on(http::Router& router) {
    router.add(reading_endpoint("getRoomEvents", {"/rooms/{roomId}/messages"}),
               std::bind_front(&MessagesEndpoints::get_messages, this));
}

Task<http::Response> MessagesEndpoints::get_messages(http::Request request) {
    handlers::MessagesQuery query{request.auth().user_id, room_id_of(request)};
    // Whoever may not read is told so first.
    if (!request.query_param("dir")) co_await pages_.require_readable(query);
    query.direction = direction_in(request);
    query.from = token_in(request, "from");
    query.to = token_in(request, "to");
    query.filter = filter_in(request);
    query.limit = limit_in(request, query.filter, 1, kLimitMax);
    const bool lazy = query.filter.lazy_load_members;
    const auto page = co_await pages_.read(std::move(query));

    auto viewer = viewer_of(request, clock_);
    co_await aggregations_.add_to(viewer, page.chunk);
    // Clients find their own token again; what follows it need not be the same text.
    const auto from = request.query_param("from").value_or("");
    proto::JsonWriter writer{256 + 512 * page.chunk.size()};
    writer.begin_object().member("start", from.empty() ? page.start.to_string() : std::string{from});
    if (page.end) writer.member("end", page.end->to_string());
    write_events(writer, "chunk", page.chunk, viewer);
    if (lazy) write_events(writer, "state", page.state, viewer);
    co_return http::Response::raw_json(writer.end_object().take());
}

}  // namespace weft::rest
