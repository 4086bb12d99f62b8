#pragma once

#include "weft/handlers/rooms/reports.hpp"
#include "weft/http/router.hpp"

namespace weft::rest {

/// POST /rooms/{roomId}/report/{eventId}, /rooms/{roomId}/report and /users/{userId}/report.
class ReportEndpoints {
public:
    explicit ReportEndpoints(handlers::Reports& reports) : reports_{reports} {}
    void register_on(http::Router& router);

private:
    Task<http::Response> post_event(http::Request request);
    Task<http::Response> post_room(http::Request request);
    Task<http::Response> post_user(http::Request request);

    handlers::Reports& reports_;
};

}  // namespace weft::rest
