#include "weft/rest/client/room_state.hpp"

#include "client/room_params.hpp"

namespace weft::rest {

namespace json = boost::json;

void RoomStateEndpoints::register_on(http::Router& router) {
    // An empty state key may be left out, and then the slash before it too.
    auto paths = http::client_paths("/rooms/{roomId}/state/{eventType}/{stateKey}");
    for (const auto* const tail :
         {"/rooms/{roomId}/state/{eventType}", "/rooms/{roomId}/state/{eventType}/"}) {
        for (auto& path : http::client_paths(tail)) paths.push_back(std::move(path));
    }
    router.add(http::Endpoint{.method = http::Method::kPut,
                              .paths = std::move(paths),
                              .operation = "setRoomStateWithKey",
                              .auth = http::Auth::kGuestToo,
                              .workers = kOnEventPersister,
                              .affinity = http::Affinity::kRoom,
                              .refused_to_suspended = true},
               std::bind_front(&RoomStateEndpoints::put, this));
}

Task<http::Response> RoomStateEndpoints::put(http::Request request) {
    handlers::StateRequest state{room_id_of(request), actor_at(request)};
    state.type = request.param("eventType");
    const auto state_key = request.path_params.find("stateKey");
    if (state_key != request.path_params.end()) state.state_key = state_key->second;
    state.content = request.json_body();
    if (const auto delay = delay_in(request)) {
        const auto delay_id = co_await delayed_.schedule(std::move(state), *delay);
        co_return http::Response::json(json::object{{"delay_id", delay_id}});
    }
    const auto event_id = co_await state_.put(std::move(state));
    co_return http::Response::json(json::object{{"event_id", event_id.str()}});
}

}  // namespace weft::rest
