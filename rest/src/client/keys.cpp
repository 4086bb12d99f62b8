#include "weft/rest/client/keys.hpp"

#include <functional>

#include <fmt/format.h>
#include <boost/json/array.hpp>

#include "client/account_params.hpp"
#include "client/device_key_params.hpp"
#include "weft/core/errors.hpp"
#include "weft/proto/json.hpp"

namespace weft::rest {

namespace json = boost::json;
using core::MatrixError;

namespace {

/// A member that must be there, and an object.
const json::object& required_object(const json::object& body, std::string_view key) {
    const auto* const value = proto::find(body, key);
    if (!value) throw MatrixError::missing_param(fmt::format("'{}' is missing", key));
    if (!value->is_object()) throw MatrixError::bad_json(fmt::format("'{}' must be an object", key));
    return value->get_object();
}

/// No user or device has such an ID, and the database could not even be asked.
bool has_nul(std::string_view text) {
    return text.find('\0') != std::string_view::npos;
}

handlers::DeviceKeys::Query parse_query(const json::object& device_keys) {
    handlers::DeviceKeys::Query query;
    for (const auto& [user_id, ids] : device_keys) {
        if (!ids.is_array()) throw MatrixError::bad_json("device_keys must map users to lists of devices");
        auto& devices = query[std::string{user_id}];
        for (const auto& id : ids.get_array()) {
            if (!id.is_string())
                throw MatrixError::bad_json("device_keys must map users to lists of strings");
            if (has_nul(std::string_view{id.get_string()}))
                throw MatrixError::invalid_param("a device ID holds NUL");
            devices.emplace_back(id.get_string());
        }
    }
    return query;
}

std::vector<storage::KeyClaim> parse_claims(const json::object& one_time_keys) {
    std::vector<storage::KeyClaim> claims;
    for (const auto& [user_id, devices] : one_time_keys) {
        if (!devices.is_object())
            throw MatrixError::bad_json("one_time_keys must map users to devices to algorithms");
        for (const auto& [device_id, algorithm] : devices.get_object()) {
            if (!algorithm.is_string()) throw MatrixError::bad_json("an algorithm must be a string");
            const std::string_view name = algorithm.get_string();
            if (has_nul(device_id) || has_nul(name))
                throw MatrixError::invalid_param("a device ID or algorithm holds NUL");
            claims.push_back({std::string{user_id}, std::string{device_id}, std::string{name}});
        }
    }
    return claims;
}

void check_timeout(const json::object& body) {
    const auto* const timeout = proto::find(body, "timeout");
    if (timeout && !timeout->is_null() && !proto::as_int(*timeout))
        throw MatrixError::bad_json("'timeout' must be an integer");
}

handlers::SyncToken required_token(const http::Request& request, std::string_view key) {
    const auto token = handlers::SyncToken::parse(required_query(request, key));
    if (!token) throw MatrixError::invalid_param(fmt::format("{}: not a token of this server", key));
    return *token;
}

json::array to_array(const std::set<std::string>& values) {
    json::array out;
    for (const auto& value : values) out.emplace_back(value);
    return out;
}

}  // namespace

void KeysEndpoints::register_on(http::Router& router) {
    router.add({.method = http::Method::kPost,
                .paths = http::client_paths("/keys/upload"),
                .operation = "uploadKeys",
                .auth = http::Auth::kGuestToo,
                .runs_at = http::RunsAt::kMaster},
               std::bind_front(&KeysEndpoints::post_upload, this));
    router.add({.method = http::Method::kPost,
                .paths = http::client_paths("/keys/query"),
                .operation = "queryKeys",
                .auth = http::Auth::kGuestToo,
                .workers = kOnClientReader},
               std::bind_front(&KeysEndpoints::post_query, this));
    router.add({.method = http::Method::kPost,
                .paths = http::client_paths("/keys/claim"),
                .operation = "claimKeys",
                .auth = http::Auth::kGuestToo,
                .runs_at = http::RunsAt::kMaster},
               std::bind_front(&KeysEndpoints::post_claim, this));
    router.add({.method = http::Method::kGet,
                .paths = http::client_paths("/keys/changes"),
                .operation = "getKeysChanges",
                .auth = http::Auth::kGuestToo,
                .workers = kOnClientReader},
               std::bind_front(&KeysEndpoints::get_changes, this));
}

Task<http::Response> KeysEndpoints::post_upload(http::Request request) {
    const auto& requester = request.auth();
    if (requester.device_id.empty()) throw MatrixError::invalid_param("Only a device can upload keys");
    const auto body = request.json_body();
    const auto counts = co_await keys_.upload(requester.user_id, requester.device_id, keys_of_device(body));
    json::object out;
    for (const auto& [algorithm, count] : counts.one_time) out[algorithm] = count;
    co_return http::Response::json(json::object{{"one_time_key_counts", std::move(out)}});
}

Task<http::Response> KeysEndpoints::post_query(http::Request request) {
    const auto body = request.json_body();
    check_timeout(body);
    auto query = parse_query(required_object(body, "device_keys"));
    co_return http::Response::json(co_await keys_.query(request.auth().user_id, std::move(query)));
}

Task<http::Response> KeysEndpoints::post_claim(http::Request request) {
    const auto body = request.json_body();
    check_timeout(body);
    auto claims = parse_claims(required_object(body, "one_time_keys"));
    co_return http::Response::json(co_await keys_.claim(std::move(claims)));
}

Task<http::Response> KeysEndpoints::get_changes(http::Request request) {
    const auto from = required_token(request, "from");
    required_token(request,
                   "to");  // what happened after it is told as well: the client cannot know of it yet
    const auto changes = co_await changes_.since(request.auth().user_id, from);
    co_return http::Response::json(
        json::object{{"changed", to_array(changes.changed)}, {"left", to_array(changes.left)}});
}

}  // namespace weft::rest
