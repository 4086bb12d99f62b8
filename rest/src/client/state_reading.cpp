#include "weft/rest/client/state_reading.hpp"

#include "client/reading_params.hpp"
#include "client/room_params.hpp"
#include "weft/core/errors.hpp"

namespace weft::rest {

namespace {

/// Whether the whole event is asked for, and not only its content.
bool wants_event(const http::Request& request) {
    const auto format = request.query_param("format").value_or("content");
    if (format != "content" && format != "event")
        throw core::MatrixError::invalid_param("format: content or event");
    return format == "event";
}

}  // namespace

void StateReadingEndpoints::register_on(http::Router& router) {
    router.add(reading_endpoint("getRoomState", {"/rooms/{roomId}/state"}),
               std::bind_front(&StateReadingEndpoints::get_state, this));
    // An empty state key may be left out, and then the slash before it too.
    router.add(reading_endpoint("getRoomStateWithKey",
                                {"/rooms/{roomId}/state/{eventType}/{stateKey}",
                                 "/rooms/{roomId}/state/{eventType}", "/rooms/{roomId}/state/{eventType}/"}),
               std::bind_front(&StateReadingEndpoints::get_state_event, this));
}

Task<http::Response> StateReadingEndpoints::get_state(http::Request request) {
    const auto state = co_await states_.state(request.auth().user_id, room_id_of(request));
    std::string body;
    handlers::append_events(body, state, viewer_of(request, clock_));
    co_return http::Response::raw_json(std::move(body));
}

Task<http::Response> StateReadingEndpoints::get_state_event(http::Request request) {
    const bool whole = wants_event(request);
    const auto state_key = request.path_params.find("stateKey");
    proto::StateKey key{request.param("eventType"), state_key == request.path_params.end() ? "" : state_key->second};
    const auto stored =
        co_await states_.state_event(request.auth().user_id, room_id_of(request), std::move(key));
    std::string body;
    if (whole) {
        handlers::append_event(body, *stored, viewer_of(request, clock_));
    } else {
        proto::append_json(body, stored->event->content());
    }
    co_return http::Response::raw_json(std::move(body));
}

}  // namespace weft::rest
