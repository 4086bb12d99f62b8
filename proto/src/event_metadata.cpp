#include "weft/proto/event.hpp"

namespace weft::proto {

namespace {

void put(json::object& object, std::string_view key, const std::optional<std::string>& text) {
    if (text) object[key] = *text;
}

void put(json::object& object, std::string_view key, const std::optional<std::int64_t>& number) {
    if (number) object[key] = *number;
}

void put_if_true(json::object& object, std::string_view key, bool flag) {
    if (flag) object[key] = true;
}

std::optional<std::string> text_of(const json::value& value) {
    if (!value.is_string()) return std::nullopt;
    return std::string{value.get_string()};
}

bool flag_of(const json::value& value) {
    return value.is_bool() && value.get_bool();
}

}  // namespace

json::object EventMetadata::to_json() const {
    json::object object = unknown;
    put_if_true(object, "outlier", outlier);
    put_if_true(object, "out_of_band_membership", out_of_band_membership);
    put_if_true(object, "soft_failed", soft_failed);
    if (!proactively_send) object["proactively_send"] = false;
    put_if_true(object, "recheck_redaction", recheck_redaction);
    put_if_true(object, "redacted", redacted);
    put(object, "send_on_behalf_of", send_on_behalf_of);
    put(object, "txn_id", txn_id);
    put(object, "token_id", token_id);
    put(object, "device_id", device_id);
    put(object, "instance_name", instance_name);
    put(object, "stream_ordering", stream_ordering);
    return object;
}

EventMetadata EventMetadata::from_json(const json::object& object) {
    EventMetadata out;
    for (const auto& member : object) {
        const std::string_view key = member.key();
        const json::value& value = member.value();
        if (key == "outlier") {
            out.outlier = flag_of(value);
        } else if (key == "out_of_band_membership") {
            out.out_of_band_membership = flag_of(value);
        } else if (key == "soft_failed") {
            out.soft_failed = flag_of(value);
        } else if (key == "proactively_send") {
            out.proactively_send = !value.is_bool() || value.get_bool();
        } else if (key == "recheck_redaction") {
            out.recheck_redaction = flag_of(value);
        } else if (key == "redacted") {
            out.redacted = flag_of(value);
        } else if (key == "send_on_behalf_of") {
            out.send_on_behalf_of = text_of(value);
        } else if (key == "txn_id") {
            out.txn_id = text_of(value);
        } else if (key == "token_id") {
            out.token_id = as_int(value);
        } else if (key == "device_id") {
            out.device_id = text_of(value);
        } else if (key == "instance_name") {
            out.instance_name = text_of(value);
        } else if (key == "stream_ordering") {
            out.stream_ordering = as_int(value);
        } else {
            out.unknown[key] = value;
        }
    }
    return out;
}

}  // namespace weft::proto
