#pragma once

#include "weft/core/task.hpp"
#include "weft/handlers/user_data/receipts.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// POST /rooms/{roomId}/receipt/{receiptType}/{eventId} and /rooms/{roomId}/read_markers.
class ReceiptEndpoints {
public:
    explicit ReceiptEndpoints(handlers::Receipts& receipts) : receipts_{receipts} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> post_receipt(http::Request request);
    Task<http::Response> post_read_markers(http::Request request);

    handlers::Receipts& receipts_;
};

}  // namespace weft::rest
