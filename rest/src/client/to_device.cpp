#include "weft/rest/client/to_device.hpp"

#include <functional>

#include "client/account_params.hpp"
#include "weft/core/errors.hpp"
#include "weft/proto/json.hpp"

namespace weft::rest {

using core::MatrixError;

namespace {

/// A room key for each device of a big room, encrypted.
constexpr std::size_t kBodyBytesMax = 16 * 1024 * 1024;

}  // namespace

void ToDeviceEndpoints::register_on(http::Router& router) {
    router.add({.method = http::Method::kPut,
                .paths = http::client_paths("/sendToDevice/{eventType}/{txnId}"),
                .operation = "sendToDevice",
                .auth = http::Auth::kGuestToo,
                .writes = "to_device",
                .body_bytes_max = kBodyBytesMax},
               std::bind_front(&ToDeviceEndpoints::put, this));
}

Task<http::Response> ToDeviceEndpoints::put(http::Request request) {
    auto body = request.json_body();
    const auto* const messages = proto::find(body, "messages");
    if (!messages) throw MatrixError::missing_param("'messages' is missing");
    if (!messages->is_object()) throw MatrixError::bad_json("'messages' must be an object");
    storage::ToDeviceTransaction transaction{request.auth().user_id, request.auth().device_id,
                                             request.param("eventType"), request.param("txnId")};
    for (const auto* part : {&transaction.event_type, &transaction.txn_id}) {
        if (part->find('\0') != std::string::npos) throw MatrixError::invalid_param("the path holds NUL");
    }
    co_await to_device_.send(std::move(transaction), messages->get_object());
    co_return http::Response::empty_object();
}

}  // namespace weft::rest
