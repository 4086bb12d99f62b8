#include "weft/rest/client/profile.hpp"

#include <functional>

#include "client/account_params.hpp"
#include "weft/core/errors.hpp"

namespace weft::rest {
namespace {

/// The field that a request wants to change. Other valid names are not ours to store, as the capability
/// m.profile_fields says.
handlers::ProfileField field_to_change(const http::Request& request) {
    const auto& name = request.param("keyName");
    const auto field = handlers::parse_profile_field(name);
    if (!field && !handlers::is_valid_profile_key(name))
        throw core::MatrixError::invalid_param("Invalid profile key.");
    if (!field) throw core::MatrixError::forbidden("This server stores only displayname and avatar_url");
    if (request.auth().is_guest && *field != handlers::ProfileField::kDisplayname) {
        throw core::MatrixError::forbidden("Guests may only change their display name");
    }
    return *field;
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
    boost::json::object document;
    if (profile->displayname) document["displayname"] = *profile->displayname;
    if (profile->avatar_url) document["avatar_url"] = *profile->avatar_url;
    co_return http::Response::json(document);
}

Task<http::Response> ProfileEndpoints::get_field(http::Request request) {
    const auto& name = request.param("keyName");
    const auto field = handlers::parse_profile_field(name);
    if (!field) throw core::MatrixError::not_found("The profile has no such field");
    const auto value = co_await profiles_.get_field(request.param("userId"), *field);
    co_return http::Response::json(boost::json::object{{name, value}});
}

Task<http::Response> ProfileEndpoints::put_field(http::Request request) {
    const auto field = field_to_change(request);
    const auto body = request.json_body();
    const auto& name = request.param("keyName");
    if (!body.contains(name)) throw core::MatrixError::missing_param("Missing " + name);
    auto value = optional_string(body, name);
    co_await profiles_.set_field(request.auth().user_id, request.param("userId"), field, std::move(value));
    co_return http::Response::empty_object();
}

Task<http::Response> ProfileEndpoints::delete_field(http::Request request) {
    const auto field = field_to_change(request);
    co_await profiles_.set_field(request.auth().user_id, request.param("userId"), field, std::nullopt);
    co_return http::Response::empty_object();
}

}  // namespace weft::rest
