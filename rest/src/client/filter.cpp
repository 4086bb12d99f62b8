#include "weft/rest/client/filter.hpp"

#include <functional>

#include "client/account_params.hpp"

namespace weft::rest {
namespace {

/// Filters are read on every sync that names them.
constexpr std::size_t kFilterBytesMax = 64 * 1024;

}  // namespace

void FilterEndpoints::register_on(http::Router& router) {
    router.add({.method = http::Method::kPost,
                .paths = http::client_paths("/user/{userId}/filter"),
                .operation = "defineFilter",
                .auth = http::Auth::kGuestToo,
                .runs_at = http::RunsAt::kMaster,
                .body_bytes_max = kFilterBytesMax},
               std::bind_front(&FilterEndpoints::post_filter, this));
    router.add({.method = http::Method::kGet,
                .paths = http::client_paths("/user/{userId}/filter/{filterId}"),
                .operation = "getFilter",
                .auth = http::Auth::kGuestToo,
                .workers = kOnClientReader},
               std::bind_front(&FilterEndpoints::get_filter, this));
}

Task<http::Response> FilterEndpoints::post_filter(http::Request request) {
    const auto filter_id =
        co_await filters_.add(request.auth().user_id, request.param("userId"), request.json_body());
    co_return http::Response::json(boost::json::object{{"filter_id", std::to_string(filter_id)}});
}

Task<http::Response> FilterEndpoints::get_filter(http::Request request) {
    co_return http::Response::raw_json(
        co_await filters_.get(request.auth().user_id, request.param("userId"), request.param("filterId")));
}

}  // namespace weft::rest
