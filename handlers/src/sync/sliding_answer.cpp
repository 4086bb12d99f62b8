#include "sync/sliding_answer.hpp"

#include "weft/proto/json_writer.hpp"

namespace weft::handlers {
namespace {

void write_strings(proto::JsonWriter& writer, std::string_view name, const std::set<std::string>& values) {
    writer.key(name).begin_array();
    for (const auto& value : values) writer.value(value);
    writer.end_array();
}

void write_fragments(proto::JsonWriter& writer, const std::vector<std::string>& events) {
    writer.begin_array();
    for (const auto& event : events) writer.raw(event);
    writer.end_array();
}

void write_list(proto::JsonWriter& writer, const SlidingListAnswer& list) {
    writer.begin_object().member("count", list.count).key("ops").begin_array();
    for (const auto& window : list.windows) {
        writer.begin_object().member("op", "SYNC").key("range").begin_array();
        writer.value(window.range.first).value(window.range.second).end_array().key("room_ids").begin_array();
        for (const auto& room_id : window.rooms) writer.value(room_id);
        writer.end_array().end_object();
    }
    writer.end_array().end_object();
}

void write_heroes(proto::JsonWriter& writer, const std::vector<storage::StoredEventPtr>& heroes) {
    writer.key("heroes").begin_array();
    for (const auto& hero : heroes) {
        const auto& content = hero->event->content();
        writer.begin_object().member("user_id", *hero->event->state_key());
        if (const auto name = proto::get_string(content, "displayname")) writer.member("displayname", *name);
        if (const auto url = proto::get_string(content, "avatar_url")) writer.member("avatar_url", *url);
        writer.end_object();
    }
    writer.end_array();
}

void write_room(proto::JsonWriter& writer, const SlidingRoomAnswer& room, const EventViewer& viewer) {
    writer.begin_object().member("membership", room.membership);
    if (room.initial) writer.member("initial", true);
    if (room.expanded_timeline) writer.member("unstable_expanded_timeline", true);
    if (room.name) writer.member("name", *room.name);
    if (room.avatar) writer.member("avatar", *room.avatar);
    if (room.avatar_removed) writer.key("avatar").value(nullptr);
    if (!room.heroes.empty()) write_heroes(writer, room.heroes);
    if (room.is_dm) writer.member("is_dm", *room.is_dm);
    if (room.members)
        writer.member("joined_count", room.members->first).member("invited_count", room.members->second);
    if (room.bump_stamp > 0) writer.member("bump_stamp", room.bump_stamp);
    if (room.invite_state) {
        writer.key("invite_state").raw(*room.invite_state);
    } else {
        writer.key("required_state");
        append_events(writer.begin_raw_value(), room.required_state, viewer);
        writer.key("timeline");
        append_events(writer.begin_raw_value(), room.timeline.events, viewer);
        writer.member("prev_batch", room.timeline.prev_batch)
            .member("limited", room.timeline.limited)
            .member("num_live", room.live_events);
    }
    writer.member("notification_count", room.unread.notifications)
        .member("highlight_count", room.unread.highlights);
    writer.end_object();
}

void write_keys(proto::JsonWriter& writer, const SlidingAnswer::Keys& keys) {
    writer.key("e2ee").begin_object().key("device_one_time_keys_count").begin_object();
    if (keys.counts) {
        for (const auto& [algorithm, count] : keys.counts->one_time) writer.member(algorithm, count);
    }
    writer.end_object().key("device_unused_fallback_key_types").begin_array();
    if (keys.counts) {
        for (const auto& algorithm : keys.counts->unused_fallback_types) writer.value(algorithm);
    }
    writer.end_array();
    if (!keys.changed.empty() || !keys.left.empty()) {
        writer.key("device_lists").begin_object();
        write_strings(writer, "changed", keys.changed);
        write_strings(writer, "left", keys.left);
        writer.end_object();
    }
    writer.end_object();
}

void write_account_data(proto::JsonWriter& writer, const SlidingAnswer::AccountData& data) {
    writer.key("account_data").begin_object().key("global");
    write_fragments(writer, data.global);
    writer.key("rooms").begin_object();
    for (const auto& [room_id, events] : data.rooms) {
        writer.key(room_id);
        write_fragments(writer, events);
    }
    writer.end_object().end_object();
}

void write_ephemeral(proto::JsonWriter& writer, std::string_view name,
                     const SlidingAnswer::Ephemeral& rooms) {
    writer.key(name).begin_object().key("rooms").begin_object();
    for (const auto& [room_id, event] : rooms) writer.key(room_id).raw(event);
    writer.end_object().end_object();
}

}  // namespace

std::string write_sliding_answer(const SlidingAnswer& answer, std::int64_t position_id,
                                 const EventViewer& viewer) {
    proto::JsonWriter writer{1024};
    writer.begin_object().member("pos", SlidingToken{position_id, answer.next}.to_string());
    writer.key("lists").begin_object();
    for (const auto& [name, list] : answer.lists) {
        writer.key(name);
        write_list(writer, list);
    }
    writer.end_object().key("rooms").begin_object();
    for (const auto& [room_id, room] : answer.rooms) {
        writer.key(room_id);
        write_room(writer, room, viewer);
    }
    writer.end_object().key("extensions").begin_object();
    if (answer.to_device) {
        writer.key("to_device")
            .begin_object()
            .member("next_batch", std::to_string(answer.to_device->next))
            .key("events");
        write_fragments(writer, answer.to_device->events);
        writer.end_object();
    }
    if (answer.keys) write_keys(writer, *answer.keys);
    if (answer.account_data) write_account_data(writer, *answer.account_data);
    if (answer.receipts) write_ephemeral(writer, "receipts", *answer.receipts);
    if (answer.typing) write_ephemeral(writer, "typing", *answer.typing);
    return writer.end_object().end_object().take();
}

}  // namespace weft::handlers
