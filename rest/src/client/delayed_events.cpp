#include "weft/rest/client/delayed_events.hpp"

#include <functional>

#include "client/room_params.hpp"
#include "weft/core/errors.hpp"
#include "weft/proto/json.hpp"

namespace weft::rest {

namespace json = boost::json;
using core::MatrixError;

namespace {

json::object to_json(const storage::DelayedEvent& event) {
    json::object out{{"delay_id", event.delay_id},
                     {"room_id", event.room_id},
                     {"type", event.type},
                     {"delay", event.delay_ms},
                     {"running_since", event.running_since_ms}};
    if (event.state_key) out["state_key"] = *event.state_key;
    const auto content = proto::parse_json_object(event.content);
    out["content"] = content ? *content : json::object{};
    return out;
}

}  // namespace

void DelayedEventEndpoints::register_on(http::Router& router) {
    const std::string path = "/_matrix/client/unstable/org.matrix.msc4140/delayed_events";
    router.add({.method = http::Method::kGet,
                .paths = {path},
                .operation = "getDelayedEvents",
                .auth = http::Auth::kAccessToken,
                .workers = kOnClientReader},
               std::bind_front(&DelayedEventEndpoints::get_waiting, this));
    // Whoever was given the ID may act on the event, so that somebody else can say that the sender is still
    // there.
    router.add({.method = http::Method::kPost,
                .paths = {path + "/{delayId}", path + "/{delayId}/{action}"},
                .operation = "updateDelayedEvent",
                .auth = http::Auth::kNone,
                .workers = kOnClientReader},
               std::bind_front(&DelayedEventEndpoints::post_action, this));
}

Task<http::Response> DelayedEventEndpoints::get_waiting(http::Request request) {
    json::array events;
    for (const auto& event : co_await delayed_.waiting(request.auth().user_id))
        events.push_back(to_json(event));
    co_return http::Response::json(json::object{{"delayed_events", std::move(events)}});
}

Task<http::Response> DelayedEventEndpoints::post_action(http::Request request) {
    const auto in_path = request.path_params.find("action");
    std::string action;
    if (in_path != request.path_params.end()) {
        action = in_path->second;
        if (action != "send" && action != "cancel" && action != "restart") throw MatrixError::unrecognized(404);
    } else {
        action = required_string(request.json_body(), "action");
    }
    const auto& delay_id = request.param("delayId");
    if (delay_id.find('\0') != std::string::npos) throw MatrixError::not_found("No such delayed event");
    co_await delayed_.act(delay_id, std::move(action));
    co_return http::Response::empty_object();
}

}  // namespace weft::rest
