#include "weft/rest/client/send.hpp"

#include "client/room_params.hpp"
#include "weft/core/errors.hpp"
#include "weft/proto/json_writer.hpp"

namespace weft::rest {

using core::MatrixError;

namespace {

http::Response event_id_response(const proto::EventId& event_id) {
    return http::Response::raw_json(
        proto::JsonWriter{}.begin_object().member("event_id", event_id.str()).end_object().take());
}

/// As long as other identifiers may be; stored and looked up, so it needs a bound.
constexpr std::size_t kTransactionIdBytesMax = 255;

std::string transaction_id_of(const http::Request& request) {
    const auto& txn_id = request.param("txnId");
    if (txn_id.size() > kTransactionIdBytesMax) {
        throw MatrixError::invalid_param("A transaction ID has at most 255 bytes");
    }
    return txn_id;
}

}  // namespace

void SendEndpoints::register_on(http::Router& router) {
    router.add(http::Endpoint{.method = http::Method::kPut,
                              .paths = http::client_paths("/rooms/{roomId}/send/{eventType}/{txnId}"),
                              .operation = "sendMessage",
                              .auth = http::Auth::kGuestToo,
                              .workers = kOnEventPersister,
                              .affinity = http::Affinity::kRoom,
                              .refused_to_suspended = true},
               std::bind_front(&SendEndpoints::put_message, this));
    router.add(http::Endpoint{.method = http::Method::kPut,
                              .paths = http::client_paths("/rooms/{roomId}/redact/{eventId}/{txnId}"),
                              .operation = "redactEvent",
                              .auth = http::Auth::kAccessToken,
                              .workers = kOnEventPersister,
                              .affinity = http::Affinity::kRoom},
               std::bind_front(&SendEndpoints::put_redaction, this));
}

Task<http::Response> SendEndpoints::put_message(http::Request request) {
    handlers::MessageRequest message{room_id_of(request), actor_at(request)};
    message.type = request.param("eventType");
    message.txn_id = transaction_id_of(request);
    message.content = request.json_body();
    if (const auto delay = delay_in(request)) {
        const auto delay_id = co_await delayed_.schedule(std::move(message), *delay);
        co_return http::Response::json(boost::json::object{{"delay_id", delay_id}});
    }
    co_return event_id_response(co_await messages_.send(std::move(message)));
}

Task<http::Response> SendEndpoints::put_redaction(http::Request request) {
    const auto target = proto::EventId::parse(request.param("eventId"));
    if (!target) throw MatrixError::invalid_param(target.error().message);
    handlers::MessageRequest message{room_id_of(request), actor_of(request)};
    message.txn_id = transaction_id_of(request);
    // Clients without a reason send nothing at all, which is taken for {}.
    const auto body = request.json_body(true);
    if (auto reason = optional_string(body, "reason")) message.content["reason"] = std::move(*reason);
    co_return event_id_response(co_await messages_.redact(std::move(message), *target));
}

}  // namespace weft::rest
