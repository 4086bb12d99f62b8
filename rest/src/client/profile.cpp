#include "weft/rest/client/profile.hpp"

#include <functional>

#include "client/account_params.hpp"
#include "weft/core/errors.hpp"

namespace weft::rest {
namespace {

constexpr std::size_t kKeyBytesMax = 255;

/// The field that a request wants to change, if it is one of those in membership events.
std::optional<handlers::ProfileField> field_to_change(const http::Request& request) {
    const auto& name = request.param("keyName");
    if (name.size() > kKeyBytesMax) throw core::MatrixError{400, "M_KEY_TOO_LARGE", "The profile key has more than 255 bytes"};
    const auto field = handlers::parse_profile_field(name);
    if (!field && !handlers::is_valid_profile_key(name)) throw core::MatrixError::invalid_param("Invalid profile key.");
    if (request.auth().is_guest && field != handlers::ProfileField::kDisplayname) {
        throw core::MatrixError::forbidden("Guests may only change their display name");
    }
    return field;
}

}  // namespace

void ProfileEndpoints::register_on(http::Router& router) {
    const auto reader = config_.require_auth_for_profile_requests ? http::Auth::kGuestToo : http::Auth::kNone;
    router.add({.method = http::Method::kGet,
                .paths = http::client_paths("/profile/{userId}"),
                .operation = "getUserProfile",
                .auth = reader,
                .workers = kOnClientReader},
               std::bind_front(&ProfileEndpoints::get_profile, this));
    router.add({.method = http::Method::kGet,
                .paths = http::client_paths("/profile/{userId}/{keyName}"),
                .operation = "getProfileField",
                .auth = reader,
                .workers = kOnClientReader},
               std::bind_front(&ProfileEndpoints::get_field, this));
    router.add({.method = http::Method::kPut,
                .paths = http::client_paths("/profile/{userId}/{keyName}"),
                .operation = "setProfileField",
                .auth = http::Auth::kGuestToo,
                .runs_at = http::RunsAt::kMaster,
                .refused_to_suspended = true},
               std::bind_front(&ProfileEndpoints::put_field, this));
    router.add({.method = http::Method::kDelete,
                .paths = http::client_paths("/profile/{userId}/{keyName}"),
                .operation = "deleteProfileField",
                .auth = http::Auth::kGuestToo,
                .runs_at = http::RunsAt::kMaster,
                .refused_to_suspended = true},
               std::bind_front(&ProfileEndpoints::delete_field, this));
}

Task<http::Response> ProfileEndpoints::get_profile(http::Request request) {
    const auto profile = co_await profiles_.get(request.param("userId"));
    co_return http::Response::json(profile->to_json());
}

Task<http::Response> ProfileEndpoints::get_field(http::Request request) {
    const auto& name = request.param("keyName");
    const auto field = handlers::parse_profile_field(name);
    if (!field) {
        const auto value = co_await profiles_.get_custom_field(request.param("userId"), name);
        co_return http::Response::json(boost::json::object{{name, value}});
    }
    const auto value = co_await profiles_.get_field(request.param("userId"), *field);
    co_return http::Response::json(boost::json::object{{name, value}});
}

Task<http::Response> ProfileEndpoints::put_field(http::Request request) {
    const auto field = field_to_change(request);
    const auto body = request.json_body();
    const auto& name = request.param("keyName");
    if (!body.contains(name)) throw core::MatrixError::missing_param("Missing " + name);
    const auto& user_id = request.param("userId");
    if (field) {
        co_await profiles_.set_field(request.auth().user_id, user_id, *field, optional_string(body, name));
    } else {
        co_await profiles_.set_custom_field(request.auth().user_id, user_id, name, body.at(name));
    }
    co_return http::Response::empty_object();
}

Task<http::Response> ProfileEndpoints::delete_field(http::Request request) {
    const auto field = field_to_change(request);
    const auto& user_id = request.param("userId");
    if (field) {
        co_await profiles_.set_field(request.auth().user_id, user_id, *field, std::nullopt);
    } else {
        co_await profiles_.remove_custom_field(request.auth().user_id, user_id, request.param("keyName"));
    }
    co_return http::Response::empty_object();
}

}  // namespace weft::rest
