#include "weft/rest/client/devices.hpp"

#include <functional>

#include <boost/json/array.hpp>

#include "client/account_params.hpp"
#include "weft/core/errors.hpp"
#include "weft/proto/json.hpp"

namespace weft::rest {
namespace {

boost::json::object device_document(const storage::Device& device) {
    boost::json::object document{{"device_id", device.device_id}};
    if (device.display_name) document["display_name"] = *device.display_name;
    if (device.last_seen_ip) document["last_seen_ip"] = *device.last_seen_ip;
    if (device.last_seen_ms) document["last_seen_ts"] = *device.last_seen_ms;
    return document;
}

std::vector<std::string> device_ids(const boost::json::object& body) {
    const auto* list = proto::get_array(body, "devices");
    if (!list) throw core::MatrixError::bad_json("devices must be a list");
    std::vector<std::string> ids;
    for (const auto& id : *list) {
        if (!id.is_string()) throw core::MatrixError::bad_json("devices must be a list of strings");
        std::string_view text = id.get_string();
        // No device has such an ID, and the database could not even be asked.
        if (text.find('\0') == std::string_view::npos) ids.emplace_back(text);
    }
    return ids;
}

}  // namespace

void DevicesEndpoints::register_on(http::Router& router) {
    router.add({.method = http::Method::kGet,
                .paths = http::client_paths("/devices"),
                .operation = "getDevices",
                .auth = http::Auth::kGuestToo,
                .workers = kOnClientReader},
               std::bind_front(&DevicesEndpoints::get_devices, this));
    router.add({.method = http::Method::kGet,
                .paths = http::client_paths("/devices/{deviceId}"),
                .operation = "getDevice",
                .auth = http::Auth::kGuestToo,
                .workers = kOnClientReader},
               std::bind_front(&DevicesEndpoints::get_device, this));
    router.add({.method = http::Method::kPut,
                .paths = http::client_paths("/devices/{deviceId}"),
                .operation = "updateDevice",
                .auth = http::Auth::kGuestToo,
                .runs_at = http::RunsAt::kMaster},
               std::bind_front(&DevicesEndpoints::put_device, this));
    router.add({.method = http::Method::kDelete,
                .paths = http::client_paths("/devices/{deviceId}"),
                .operation = "deleteDevice",
                .auth = http::Auth::kAccessToken,
                .runs_at = http::RunsAt::kMaster},
               std::bind_front(&DevicesEndpoints::delete_device, this));
    router.add({.method = http::Method::kPost,
                .paths = http::client_paths("/delete_devices"),
                .operation = "deleteDevices",
                .auth = http::Auth::kAccessToken,
                .runs_at = http::RunsAt::kMaster},
               std::bind_front(&DevicesEndpoints::post_delete_devices, this));
}

Task<http::Response> DevicesEndpoints::get_devices(http::Request request) {
    const auto devices = co_await devices_.list(request.auth().user_id);
    boost::json::array list;
    for (const auto& device : devices) list.push_back(device_document(device));
    co_return http::Response::json(boost::json::object{{"devices", std::move(list)}});
}

Task<http::Response> DevicesEndpoints::get_device(http::Request request) {
    const auto device = co_await devices_.get(request.auth().user_id, request.param("deviceId"));
    co_return http::Response::json(device_document(device));
}

Task<http::Response> DevicesEndpoints::put_device(http::Request request) {
    auto display_name = optional_string(request.json_body(true), "display_name");
    co_await devices_.rename(request.auth().user_id, request.param("deviceId"), std::move(display_name));
    co_return http::Response::empty_object();
}

Task<http::Response> DevicesEndpoints::delete_device(http::Request request) {
    // Some clients send no body with their first DELETE.
    auto operation = handlers::operation_of(request, request.json_body(true));
    co_await interactive_auth_.require(std::move(operation), password_flow());
    std::vector<std::string> ids{request.param("deviceId")};
    co_await devices_.remove(request.auth().user_id, std::move(ids));
    co_return http::Response::empty_object();
}

Task<http::Response> DevicesEndpoints::post_delete_devices(http::Request request) {
    auto body = request.json_body();
    auto ids = device_ids(body);
    co_await interactive_auth_.require(handlers::operation_of(request, std::move(body)), password_flow());
    co_await devices_.remove(request.auth().user_id, std::move(ids));
    co_return http::Response::empty_object();
}

}  // namespace weft::rest
