#include "weft/rest/client/event_reading.hpp"

#include "client/reading_params.hpp"
#include "client/room_params.hpp"

namespace weft::rest {

namespace {

constexpr std::int64_t kContextLimitMax = 1000;

handlers::EventQuery event_query(const http::Request& request) {
    return handlers::EventQuery{request.auth().user_id, room_id_of(request), event_id_of(request)};
}

}  // namespace

void EventReadingEndpoints::register_on(http::Router& router) {
    router.add(reading_endpoint("getOneRoomEvent", {"/rooms/{roomId}/event/{eventId}"}),
               std::bind_front(&EventReadingEndpoints::get_event, this));
    router.add(reading_endpoint("getEventContext", {"/rooms/{roomId}/context/{eventId}"}),
               std::bind_front(&EventReadingEndpoints::get_context, this));
}

Task<http::Response> EventReadingEndpoints::get_event(http::Request request) {
    const auto event = co_await events_.event(event_query(request));
    std::string body;
    handlers::append_event(body, *event, viewer_of(request, clock_));
    co_return http::Response::raw_json(std::move(body));
}

Task<http::Response> EventReadingEndpoints::get_context(http::Request request) {
    auto filter = filter_in(request);
    const auto limit = limit_in(request, filter, 0, kContextLimitMax);
    const auto context = co_await events_.context(event_query(request), limit, std::move(filter));

    const auto viewer = viewer_of(request, clock_);
    proto::JsonWriter writer{4096};
    writer.begin_object().member("start", context.start.to_string()).member("end", context.end.to_string());
    writer.key("event");
    handlers::append_event(writer.begin_raw_value(), *context.event, viewer);
    write_events(writer, "events_before", context.before, viewer);
    write_events(writer, "events_after", context.after, viewer);
    write_events(writer, "state", context.state, viewer);
    co_return http::Response::raw_json(writer.end_object().take());
}

}  // namespace weft::rest
