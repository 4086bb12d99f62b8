#include "weft/rest/client/event_reading.hpp"

#include "client/reading_params.hpp"
#include "client/room_params.hpp"
#include "weft/core/errors.hpp"

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
    auto by_time = reading_endpoint("getEventByTimestamp", {});
    by_time.paths = http::client_paths({"v1"}, "/rooms/{roomId}/timestamp_to_event");
    router.add(std::move(by_time), std::bind_front(&EventReadingEndpoints::get_by_time, this));
}

Task<http::Response> EventReadingEndpoints::get_by_time(http::Request request) {
    const auto time_ms = request.query_int("ts");
    if (!time_ms) throw core::MatrixError::missing_param("ts: missing");
    if (*time_ms < 0) throw core::MatrixError::invalid_param("ts: must not be negative");
    const auto direction = direction_in(request);
    const auto found = co_await events_.closest(request.auth().user_id, room_id_of(request), *time_ms, direction);
    const auto& event = *found->event;
    co_return http::Response::json(boost::json::object{{"event_id", event.event_id().str()},
                                                       {"origin_server_ts", event.origin_server_ts()}});
}

Task<http::Response> EventReadingEndpoints::get_event(http::Request request) {
    const auto event = co_await events_.event(event_query(request));
    auto viewer = viewer_of(request, clock_);
    std::vector<storage::StoredEventPtr> shown{event};
    co_await aggregations_.add_to(viewer, std::move(shown));
    std::string body;
    handlers::append_event(body, *event, viewer);
    co_return http::Response::raw_json(std::move(body));
}

Task<http::Response> EventReadingEndpoints::get_context(http::Request request) {
    auto filter = filter_in(request);
    const auto limit = limit_in(request, filter, 0, kContextLimitMax);
    const handlers::EventReader::Around around{limit / 2, limit - limit / 2};
    const auto context = co_await events_.context(event_query(request), around, std::move(filter));

    auto viewer = viewer_of(request, clock_);
    std::vector<storage::StoredEventPtr> shown{context.event};
    shown.insert(shown.end(), context.before.begin(), context.before.end());
    shown.insert(shown.end(), context.after.begin(), context.after.end());
    co_await aggregations_.add_to(viewer, std::move(shown));
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
