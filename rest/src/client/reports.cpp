#include "weft/rest/client/reports.hpp"

#include "client/reading_params.hpp"
#include "client/room_params.hpp"
#include "weft/core/errors.hpp"

namespace weft::rest {

using core::MatrixError;

namespace {

constexpr std::size_t kReasonBytesMax = 10'000;

storage::Report report_of(const http::Request& request, std::string reason) {
    storage::Report report{request.auth().user_id, std::move(reason), {}};
    if (report.reason.size() > kReasonBytesMax) throw MatrixError::invalid_param("reason: too long");
    return report;
}

}  // namespace

void ReportEndpoints::register_on(http::Router& router) {
    const auto add = [&](std::string_view tail, std::string operation,
                         Task<http::Response> (ReportEndpoints::*function)(http::Request)) {
        router.add({.method = http::Method::kPost,
                    .paths = http::client_paths(tail),
                    .operation = std::move(operation),
                    .auth = http::Auth::kAccessToken,
                    .workers = kOnClientReader},
                   std::bind_front(function, this));
    };
    add("/rooms/{roomId}/report/{eventId}", "reportEvent", &ReportEndpoints::post_event);
    add("/rooms/{roomId}/report", "reportRoom", &ReportEndpoints::post_room);
    add("/users/{userId}/report", "reportUser", &ReportEndpoints::post_user);
}

Task<http::Response> ReportEndpoints::post_event(http::Request request) {
    const auto body = request.json_body();
    auto report = report_of(request, optional_string(body, "reason").value_or(""));
    // Older clients also say how bad it is.
    const auto* const score = proto::find(body, "score");
    if (score && !score->is_null() && !proto::as_int(*score))
        throw MatrixError::bad_json("'score' must be an integer");
    boost::json::object content{{"reason", report.reason}};
    if (score) content["score"] = *score;
    report.content = proto::to_json(content);
    co_await reports_.report_event(std::move(report), room_id_of(request), event_id_of(request));
    co_return http::Response::empty_object();
}

Task<http::Response> ReportEndpoints::post_room(http::Request request) {
    auto report = report_of(request, required_string(request.json_body(), "reason"));
    co_await reports_.report_room(std::move(report), room_id_of(request));
    co_return http::Response::empty_object();
}

Task<http::Response> ReportEndpoints::post_user(http::Request request) {
    auto report = report_of(request, required_string(request.json_body(), "reason"));
    const auto target = proto::UserId::parse(request.param("userId"));
    if (!target) throw MatrixError::invalid_param(target.error().message);
    co_await reports_.report_user(std::move(report), *target);
    co_return http::Response::empty_object();
}

}  // namespace weft::rest
