#include "weft/rest/admin/users.hpp"

#include <boost/json/array.hpp>

#include "admin/admin_params.hpp"
#include "client/identity_params.hpp"
#include "weft/core/errors.hpp"
#include "weft/handlers/accounts/third_party_ids.hpp"
#include "weft/proto/json.hpp"

namespace weft::rest {

using core::MatrixError;
namespace json = boost::json;

namespace {

bool query_flag(const http::Request& request, std::string_view name, bool otherwise) {
    return request.query_bool(name).value_or(otherwise);
}

bool required_flag(const json::object& body, std::string_view key) {
    const auto value = optional_bool(body, key);
    if (!value) throw MatrixError::missing_param(fmt::format("'{}' is missing", key));
    return *value;
}

std::vector<storage::ThreePid> three_pids_in(const json::object& body) {
    const auto* list = proto::get_array(body, "threepids");
    if (!list) throw MatrixError::bad_json("'threepids' must be a list");
    std::vector<storage::ThreePid> found;
    for (const auto& entry : *list) {
        const auto* object = entry.if_object();
        if (!object) throw MatrixError::bad_json("'threepids' must be a list of objects");
        auto medium = required_string(*object, "medium");
        auto address = required_string(*object, "address");
        if (medium == "email") address = handlers::canonical_email(address);
        found.push_back({std::move(medium), std::move(address), 0, 0});
    }
    return found;
}

handlers::UserChanges changes_in(const json::object& body) {
    handlers::UserChanges changes;
    changes.password = optional_string(body, "password");
    changes.logout_devices = optional_bool(body, "logout_devices").value_or(true);
    changes.displayname = optional_string(body, "displayname");
    changes.avatar_url = optional_string(body, "avatar_url");
    changes.admin = optional_bool(body, "admin");
    changes.deactivated = optional_bool(body, "deactivated");
    changes.locked = optional_bool(body, "locked");
    if (body.contains("user_type")) {
        auto type = optional_string(body, "user_type");
        if (type && *type != "bot" && *type != "support")
            throw MatrixError::invalid_param("Invalid user type");
        changes.user_type = std::move(type);
    }
    if (body.contains("threepids")) changes.three_pids = three_pids_in(body);
    if (changes.locked == true && changes.deactivated == true) {
        throw MatrixError::invalid_param("An user can't be deactivated and locked");
    }
    return changes;
}

json::object device_document(const std::string& user_id, const storage::Device& device) {
    json::object out{{"device_id", device.device_id}, {"user_id", user_id}};
    out["display_name"] = device.display_name ? json::value(*device.display_name) : json::value(nullptr);
    out["last_seen_ip"] = device.last_seen_ip ? json::value(*device.last_seen_ip) : json::value(nullptr);
    out["last_seen_ts"] = device.last_seen_ms ? json::value(*device.last_seen_ms) : json::value(nullptr);
    return out;
}

}  // namespace

void AdminUserEndpoints::add(http::Router& router, http::Method method, std::string tail,
                             std::string operation, Function function) {
    std::vector<std::string> tails{std::move(tail)};
    router.add(admin_endpoint(method, std::move(tails), std::move(operation)),
               std::bind_front(function, this));
}

void AdminUserEndpoints::register_on(http::Router& router) {
    using http::Method;
    using E = AdminUserEndpoints;
    add(router, Method::kGet, "/v2/users", "admin_list_users", &E::get_users);
    add(router, Method::kGet, "/v2/users/{user_id}", "admin_get_user", &E::get_user);
    add(router, Method::kPut, "/v2/users/{user_id}", "admin_put_user", &E::put_user);
    add(router, Method::kPost, "/v1/deactivate/{user_id}", "admin_deactivate_user", &E::post_deactivate);
    add(router, Method::kPost, "/v1/reset_password/{user_id}", "admin_reset_password",
        &E::post_reset_password);
    add(router, Method::kGet, "/v1/users/{user_id}/admin", "admin_is_admin", &E::get_admin);
    add(router, Method::kPut, "/v1/users/{user_id}/admin", "admin_set_admin", &E::put_admin);
    add(router, Method::kGet, "/v1/users/{user_id}/joined_rooms", "admin_joined_rooms", &E::get_joined_rooms);
    add(router, Method::kGet, "/v2/users/{user_id}/devices", "admin_list_devices", &E::get_devices);
    add(router, Method::kGet, "/v2/users/{user_id}/devices/{device_id}", "admin_get_device", &E::get_device);
    add(router, Method::kPut, "/v2/users/{user_id}/devices/{device_id}", "admin_put_device", &E::put_device);
    add(router, Method::kDelete, "/v2/users/{user_id}/devices/{device_id}", "admin_delete_device",
        &E::delete_device);
    add(router, Method::kPost, "/v2/users/{user_id}/delete_devices", "admin_delete_devices",
        &E::post_delete_devices);
    add(router, Method::kPost, "/v1/users/{user_id}/login", "admin_log_in_as", &E::post_login);
    add(router, Method::kPut, "/v1/suspend/{user_id}", "admin_suspend", &E::put_suspend);
    add(router, Method::kGet, "/v1/username_available", "admin_username_available",
        &E::get_username_available);
    add(router, Method::kGet, "/v1/statistics/users/media", "admin_media_statistics",
        &E::get_media_statistics);
}

Task<http::Response> AdminUserEndpoints::get_users(http::Request request) {
    const auto page = page_params(request, storage::AdminUserStore::user_orders());
    storage::UserPageQuery query;
    query.from = page.from;
    query.limit = page.limit;
    query.backwards = page.backwards;
    query.order_by = page.order_by;
    query.name = text_param(request, "name");
    query.user_id = text_param(request, "user_id");
    query.guests = query_flag(request, "guests", true);
    query.deactivated = query_flag(request, "deactivated", false);
    query.admins = request.query_bool("admins");
    query.locked = request.query_bool("locked") == true ? std::nullopt : std::optional{false};
    co_return http::Response::json(co_await users_.list(std::move(query)));
}

Task<http::Response> AdminUserEndpoints::get_user(http::Request request) {
    co_return http::Response::json(co_await users_.show(request.param("user_id")));
}

Task<http::Response> AdminUserEndpoints::put_user(http::Request request) {
    auto changes = changes_in(request.json_body(true));
    const bool made = co_await users_.modify(request.param("user_id"), std::move(changes));
    co_return http::Response::json(co_await users_.show(request.param("user_id")), made ? 201 : 200);
}

Task<http::Response> AdminUserEndpoints::post_deactivate(http::Request request) {
    const auto body = request.json_body(true);
    const auto erase =
        optional_bool(body, "erase").value_or(false) ? handlers::Erase::kErase : handlers::Erase::kKeep;
    const auto unbound = co_await users_.deactivate(request.param("user_id"), erase);
    co_return http::Response::json(unbind_result(unbound));
}

Task<http::Response> AdminUserEndpoints::post_reset_password(http::Request request) {
    const auto body = request.json_body();
    const bool logout = optional_bool(body, "logout_devices").value_or(true);
    co_await users_.reset_password(request.param("user_id"), required_string(body, "new_password"), logout);
    co_return http::Response::empty_object();
}

Task<http::Response> AdminUserEndpoints::get_admin(http::Request request) {
    const bool admin = co_await users_.is_admin(request.param("user_id"));
    co_return http::Response::json(json::object{{"admin", admin}});
}

Task<http::Response> AdminUserEndpoints::put_admin(http::Request request) {
    const bool admin = required_flag(request.json_body(), "admin");
    co_await users_.set_admin(request.auth().user_id, request.param("user_id"), admin);
    co_return http::Response::empty_object();
}

Task<http::Response> AdminUserEndpoints::get_joined_rooms(http::Request request) {
    const auto user_id = proto::UserId::parse(request.param("user_id"));
    if (!user_id) throw MatrixError::invalid_param(user_id.error().message);
    json::array rooms;
    for (const auto& room_id : co_await membership_.joined_rooms(*user_id)) rooms.emplace_back(room_id.str());
    const auto total = rooms.size();
    co_return http::Response::json(json::object{{"joined_rooms", std::move(rooms)}, {"total", total}});
}

Task<http::Response> AdminUserEndpoints::get_devices(http::Request request) {
    const auto& user_id = request.param("user_id");
    co_await users_.require_user(user_id);
    json::array list;
    for (const auto& device : co_await devices_.list(user_id))
        list.push_back(device_document(user_id, device));
    const auto total = list.size();
    co_return http::Response::json(json::object{{"devices", std::move(list)}, {"total", total}});
}

Task<http::Response> AdminUserEndpoints::get_device(http::Request request) {
    co_await users_.require_user(request.param("user_id"));
    const auto device = co_await devices_.get(request.param("user_id"), request.param("device_id"));
    co_return http::Response::json(device_document(request.param("user_id"), device));
}

Task<http::Response> AdminUserEndpoints::put_device(http::Request request) {
    auto name = optional_string(request.json_body(true), "display_name");
    co_await users_.require_user(request.param("user_id"));
    co_await devices_.rename(request.param("user_id"), request.param("device_id"), std::move(name));
    co_return http::Response::empty_object();
}

Task<http::Response> AdminUserEndpoints::delete_device(http::Request request) {
    co_await users_.require_user(request.param("user_id"));
    std::vector<std::string> ids{request.param("device_id")};
    co_await devices_.remove(request.param("user_id"), std::move(ids));
    co_return http::Response::empty_object();
}

Task<http::Response> AdminUserEndpoints::post_delete_devices(http::Request request) {
    const auto body = request.json_body();
    const auto* list = proto::get_array(body, "devices");
    if (!list) throw MatrixError::bad_json("'devices' must be a list");
    std::vector<std::string> ids;
    for (const auto& id : *list) {
        if (!id.is_string()) throw MatrixError::bad_json("'devices' must be a list of strings");
        const std::string_view text = id.get_string();
        if (text.find('\0') == text.npos) ids.emplace_back(text);
    }
    co_await users_.require_user(request.param("user_id"));
    co_await devices_.remove(request.param("user_id"), std::move(ids));
    co_return http::Response::empty_object();
}

Task<http::Response> AdminUserEndpoints::post_login(http::Request request) {
    const auto body = request.json_body(true);
    auto token = co_await users_.log_in_as(request.auth().user_id, request.param("user_id"),
                                           optional_integer(body, "valid_until_ms"));
    co_return http::Response::json(json::object{{"access_token", token}});
}

Task<http::Response> AdminUserEndpoints::put_suspend(http::Request request) {
    const auto& user_id = request.param("user_id");
    const bool suspend = required_flag(request.json_body(), "suspend");
    co_await status_.set_suspended(user_id, suspend);
    co_return http::Response::json(json::object{{fmt::format("user_{}_suspended", user_id), suspend}});
}

Task<http::Response> AdminUserEndpoints::get_username_available(http::Request request) {
    auto name = text_param(request, "username");
    if (!name) throw MatrixError::missing_param("Missing username");
    co_await registration_.check_free(std::move(*name));
    co_return http::Response::json(json::object{{"available", true}});
}

Task<http::Response> AdminUserEndpoints::get_media_statistics(http::Request request) {
    const auto page = page_params(request, {"media_count"});
    co_return http::Response::json(co_await users_.media_by_user(page.from, page.limit));
}

}  // namespace weft::rest
