#include "client/device_key_params.hpp"

#include "client/body_members.hpp"
#include "weft/proto/json.hpp"

namespace weft::rest {

handlers::DeviceKeys::Upload keys_of_device(const boost::json::object& body) {
    handlers::DeviceKeys::Upload upload;
    if (const auto* const keys = proto::find(body, "device_keys"); keys && !keys->is_null())
        upload.device_keys = optional_object(body, "device_keys");
    upload.one_time_keys = optional_object(body, "one_time_keys");
    upload.fallback_keys = optional_object(body, "fallback_keys");
    return upload;
}

}  // namespace weft::rest
