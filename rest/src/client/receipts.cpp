#include "weft/rest/client/receipts.hpp"

#include <functional>

#include "client/room_params.hpp"
#include "weft/core/errors.hpp"
#include "weft/proto/json.hpp"

namespace weft::rest {

using core::MatrixError;
using handlers::ReadMarker;
using handlers::ReadPosition;

void ReceiptEndpoints::register_on(http::Router& router) {
    router.add({.method = http::Method::kPost,
                .paths = http::client_paths("/rooms/{roomId}/receipt/{receiptType}/{eventId}"),
                .operation = "postReceipt",
                .auth = http::Auth::kAccessToken,
                .writes = "receipts"},
               std::bind_front(&ReceiptEndpoints::post_receipt, this));
    router.add({.method = http::Method::kPost,
                .paths = http::client_paths("/rooms/{roomId}/read_markers"),
                .operation = "setReadMarker",
                .auth = http::Auth::kAccessToken,
                .writes = "account_data"},
               std::bind_front(&ReceiptEndpoints::post_read_markers, this));
}

Task<http::Response> ReceiptEndpoints::post_receipt(http::Request request) {
    const auto room_id = room_id_of(request);
    const auto marker = handlers::parse_read_marker(request.param("receiptType"));
    if (!marker) throw MatrixError::invalid_param("Unknown receipt type");
    // Many clients send no body at all.
    const auto body = request.json_body(true);
    ReadPosition position{*marker, request.param("eventId")};
    if (const auto* thread_id = proto::find(body, "thread_id")) {
        if (!thread_id->is_string()) {
            throw MatrixError::invalid_param("thread_id field must be a non-empty string");
        }
        handlers::check_thread_id(*marker, thread_id->get_string());
        position.thread_id = std::string{std::string_view{thread_id->get_string()}};
    }
    std::vector<ReadPosition> positions;
    positions.push_back(std::move(position));
    co_await receipts_.set(request.auth().user_id, room_id, std::move(positions));
    co_return http::Response::empty_object();
}

Task<http::Response> ReceiptEndpoints::post_read_markers(http::Request request) {
    const auto room_id = room_id_of(request);
    const auto body = request.json_body();
    std::vector<ReadPosition> positions;
    for (const auto* const type : {"m.read", "m.read.private", "m.fully_read"}) {
        if (auto event_id = optional_string(body, type)) {
            positions.push_back({*handlers::parse_read_marker(type), std::move(*event_id), std::nullopt});
        }
    }
    co_await receipts_.set(request.auth().user_id, room_id, std::move(positions));
    co_return http::Response::empty_object();
}

}  // namespace weft::rest
