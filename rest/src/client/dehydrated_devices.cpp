#include "weft/rest/client/dehydrated_devices.hpp"

#include <functional>

#include "client/account_params.hpp"
#include "client/device_key_params.hpp"
#include "weft/core/errors.hpp"
#include "weft/proto/json.hpp"
#include "weft/proto/json_writer.hpp"

namespace weft::rest {

namespace json = boost::json;
using core::MatrixError;

void DehydratedDeviceEndpoints::register_on(http::Router& router) {
    const std::string path = "/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device";
    router.add({.method = http::Method::kPut,
                .paths = {path},
                .operation = "putDehydratedDevice",
                .auth = http::Auth::kAccessToken,
                .runs_at = http::RunsAt::kMaster},
               std::bind_front(&DehydratedDeviceEndpoints::put, this));
    router.add({.method = http::Method::kGet,
                .paths = {path},
                .operation = "getDehydratedDevice",
                .auth = http::Auth::kAccessToken,
                .workers = kOnClientReader},
               std::bind_front(&DehydratedDeviceEndpoints::get, this));
    router.add({.method = http::Method::kDelete,
                .paths = {path},
                .operation = "deleteDehydratedDevice",
                .auth = http::Auth::kAccessToken,
                .runs_at = http::RunsAt::kMaster},
               std::bind_front(&DehydratedDeviceEndpoints::remove, this));
    router.add({.method = http::Method::kPost,
                .paths = {path + "/{deviceId}/events"},
                .operation = "getDehydratedDeviceEvents",
                .auth = http::Auth::kAccessToken,
                .workers = kOnClientReader},
               std::bind_front(&DehydratedDeviceEndpoints::post_events, this));
}

Task<http::Response> DehydratedDeviceEndpoints::put(http::Request request) {
    const auto body = request.json_body();
    handlers::DehydratedDevices::Wanted wanted;
    wanted.device_id = required_string(body, "device_id");
    for (const auto* part : {"device_data", "device_keys"}) {
        if (!proto::find(body, part)) throw MatrixError::missing_param(std::string{part} + " is missing");
    }
    wanted.data = optional_object(body, "device_data");
    wanted.display_name = optional_string(body, "initial_device_display_name");
    wanted.keys = keys_of_device(body);
    if (!wanted.keys.device_keys) throw MatrixError::bad_json("'device_keys' must be an object");
    json::object answer{{"device_id", wanted.device_id}};
    co_await devices_.put(request.auth().user_id, std::move(wanted));
    co_return http::Response::json(answer);
}

Task<http::Response> DehydratedDeviceEndpoints::get(http::Request request) {
    const auto device = co_await devices_.get(request.auth().user_id);
    proto::JsonWriter writer;
    writer.begin_object()
        .member("device_id", device.device_id)
        .key("device_data")
        .raw(device.data)
        .end_object();
    co_return http::Response::raw_json(writer.take());
}

Task<http::Response> DehydratedDeviceEndpoints::remove(http::Request request) {
    json::object answer{{"device_id", co_await devices_.remove(request.auth().user_id)}};
    co_return http::Response::json(answer);
}

Task<http::Response> DehydratedDeviceEndpoints::post_events(http::Request request) {
    auto next_batch = optional_string(request.json_body(true), "next_batch");
    const auto found =
        co_await devices_.messages(request.auth().user_id, request.param("deviceId"), std::move(next_batch));
    proto::JsonWriter writer;
    writer.begin_object().key("events").begin_array();
    for (const auto& event : found.events) writer.raw(event);
    writer.end_array().member("next_batch", found.next_batch).end_object();
    co_return http::Response::raw_json(writer.take());
}

}  // namespace weft::rest
