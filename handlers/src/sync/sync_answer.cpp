#include "sync/sync_answer.hpp"

#include "weft/proto/json_writer.hpp"

namespace weft::handlers {
namespace {

void write_event_list(proto::JsonWriter& writer, std::string_view name, const std::vector<std::string>& events) {
    if (events.empty()) return;
    writer.key(name).begin_object().key("events").begin_array();
    for (const auto& event : events) writer.raw(event);
    writer.end_array().end_object();
}

void write_strings(proto::JsonWriter& writer, std::string_view name, const std::set<std::string>& values) {
    writer.key(name).begin_array();
    for (const auto& value : values) writer.value(value);
    writer.end_array();
}

void write_pending(proto::JsonWriter& writer, std::string_view section, std::string_view name,
                   const std::vector<std::pair<proto::RoomId, std::string>>& rooms) {
    if (rooms.empty()) return;
    writer.key(section).begin_object();
    for (const auto& [room_id, events] : rooms) {
        writer.key(room_id.str()).begin_object().key(name).begin_object().key("events").raw(events).end_object().end_object();
    }
    writer.end_object();
}

void write_key_counts(proto::JsonWriter& writer, const SyncAnswer& answer) {
    writer.key("device_one_time_keys_count").begin_object();
    if (answer.keys) {
        for (const auto& [algorithm, count] : answer.keys->one_time) writer.member(algorithm, count);
    }
    writer.end_object().key("device_unused_fallback_key_types").begin_array();
    if (answer.keys) {
        for (const auto& algorithm : answer.keys->unused_fallback_types) writer.value(algorithm);
    }
    writer.end_array();
}

}  // namespace

std::string typed_event(std::string_view type, std::string_view content_json) {
    std::string out = R"({"type":)";
    proto::append_json_string(out, type);
    out += R"(,"content":)";
    out += content_json;
    out += '}';
    return out;
}

std::string tag_content(const storage::TagsOfRoom& tags) {
    std::string out = R"({"tags":{)";
    for (const auto& [tag, content] : tags) {
        if (out.back() != '{') out += ',';
        proto::append_json_string(out, tag);
        out += ':';
        out += content;
    }
    return out + "}}";
}

boost::json::object receipt_content(const storage::ReceiptList& receipts, const std::string& user_id) {
    boost::json::object content;
    for (const auto& receipt : receipts) {
        if (receipt->type == "m.read.private" && receipt->user_id != user_id) continue;
        const auto data = proto::parse_json(receipt->data);
        auto& of_event = content[receipt->event_id];
        if (!of_event.is_object()) of_event = boost::json::object{};
        auto& of_type = of_event.as_object()[receipt->type];
        if (!of_type.is_object()) of_type = boost::json::object{};
        // One receipt of a user's stands at an event: that for the whole room says more than that for a thread.
        if (receipt->thread_id && of_type.as_object().contains(receipt->user_id)) continue;
        of_type.as_object()[receipt->user_id] = data ? *data : boost::json::value(boost::json::object());
    }
    return content;
}

std::vector<storage::StoredEventPtr> timeline_events(const SyncAnswer& answer) {
    std::vector<storage::StoredEventPtr> out;
    for (const auto* const rooms : {&answer.joined, &answer.left}) {
        for (const auto& room : *rooms) out.insert(out.end(), room.timeline.events.begin(), room.timeline.events.end());
    }
    return out;
}

void write_outside_rooms(proto::JsonWriter& writer, const SyncAnswer& answer) {
    writer.member("next_batch", answer.next.to_string());
    write_key_counts(writer, answer);
    write_event_list(writer, "account_data", answer.account_data);
    write_event_list(writer, "to_device", answer.to_device);
    write_event_list(writer, "presence", answer.presence);
    if (!answer.devices_changed.empty() || !answer.devices_left.empty()) {
        writer.key("device_lists").begin_object();
        write_strings(writer, "changed", answer.devices_changed);
        write_strings(writer, "left", answer.devices_left);
        writer.end_object();
    }
}

void write_joined_rooms(proto::JsonWriter& writer, const SyncAnswer& answer, const EventViewer& viewer) {
    for (const auto& room : answer.joined) {
        writer.key(room.room_id.str());
        write_joined_room(writer, room, viewer);
    }
}

void write_left_rooms(proto::JsonWriter& writer, const SyncAnswer& answer, const EventViewer& viewer) {
    for (const auto& room : answer.left) {
        writer.key(room.room_id.str());
        write_left_room(writer, room, viewer);
    }
}

void write_pending_rooms(proto::JsonWriter& writer, const SyncAnswer& answer) {
    write_pending(writer, "invite", "invite_state", answer.invited);
    write_pending(writer, "knock", "knock_state", answer.knocked);
}

std::string write_sync_answer(const SyncAnswer& answer, const EventViewer& viewer) {
    proto::JsonWriter writer{1024};
    writer.begin_object();
    write_outside_rooms(writer, answer);
    if (!answer.joined.empty() || !answer.left.empty() || !answer.invited.empty() || !answer.knocked.empty()) {
        writer.key("rooms").begin_object();
        if (!answer.joined.empty()) {
            writer.key("join").begin_object();
            write_joined_rooms(writer, answer, viewer);
            writer.end_object();
        }
        write_pending_rooms(writer, answer);
        if (!answer.left.empty()) {
            writer.key("leave").begin_object();
            write_left_rooms(writer, answer, viewer);
            writer.end_object();
        }
        writer.end_object();
    }
    writer.end_object();
    return writer.take();
}

}  // namespace weft::handlers
