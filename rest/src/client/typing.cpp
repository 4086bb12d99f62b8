#include "weft/rest/client/typing.hpp"

#include <functional>

#include "client/room_params.hpp"
#include "weft/core/errors.hpp"
#include "weft/proto/json.hpp"

namespace weft::rest {

using core::MatrixError;

namespace {

/// For clients that do not say how long.
constexpr std::int64_t kTimeoutMs = 30'000;

std::int64_t timeout_of(const boost::json::object& body) {
    const auto* const value = proto::find(body, "timeout");
    if (!value || value->is_null()) return kTimeoutMs;
    const auto timeout_ms = proto::as_int(*value);
    if (!timeout_ms) throw MatrixError::bad_json("'timeout' must be an integer");
    return *timeout_ms;
}

}  // namespace

void TypingEndpoints::register_on(http::Router& router) {
    router.add({.method = http::Method::kPut,
                .paths = http::client_paths("/rooms/{roomId}/typing/{userId}"),
                .operation = "setTyping",
                .auth = http::Auth::kGuestToo,
                .writes = "typing"},
               std::bind_front(&TypingEndpoints::put, this));
}

Task<http::Response> TypingEndpoints::put(http::Request request) {
    const auto& user_id = request.auth().user_id;
    const auto room_id = room_id_of(request);
    if (request.param("userId") != user_id) {
        throw MatrixError::forbidden("Cannot set the typing state of another user");
    }
    const auto body = request.json_body();
    const auto typing = optional_bool(body, "typing");
    if (!typing) throw MatrixError::missing_param("'typing' is missing");
    co_await typing_.set_typing(room_id.str(), user_id, *typing, timeout_of(body));
    presence_.user_active(user_id);
    co_return http::Response::empty_object();
}

}  // namespace weft::rest
