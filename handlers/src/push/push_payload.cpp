#include "push/push_payload.hpp"

#include "weft/proto/event_types.hpp"
#include "weft/proto/json.hpp"

namespace weft::handlers {

namespace json = boost::json;

namespace {

json::object data_of(const storage::Pusher& pusher) {
    auto data = proto::parse_json_object(pusher.settings.data);
    return data ? std::move(*data) : json::object{};
}

json::object tweaks_of(const json::array& actions) {
    json::object tweaks;
    for (const auto& action : actions) {
        const auto* tweak = action.if_object();
        const auto name = tweak ? proto::get_string(*tweak, "set_tweak") : std::nullopt;
        if (!name) continue;
        const auto* value = proto::find(*tweak, "value");
        tweaks[*name] = value ? *value : json::value(true);
    }
    return tweaks;
}

json::object device_of(const storage::Pusher& pusher) {
    auto data = data_of(pusher);
    data.erase("url");
    return {{"app_id", pusher.settings.key.app_id},
            {"pushkey", pusher.settings.key.push_key},
            {"pushkey_ts", pusher.created_ms / 1000},
            {"data", std::move(data)}};
}

/// What is zero is left out.
json::object counts_of(std::int64_t unread) {
    json::object counts;
    if (unread > 0) counts["unread"] = unread;
    return counts;
}

/// Sounds and mentions are for now; the rest may wait until the phone wakes. What an encrypted event is
/// nobody here knows.
bool is_urgent(const proto::Event& event, const json::object& tweaks) {
    const auto* highlight = proto::find(tweaks, "highlight");
    const bool highlights = highlight && highlight->is_bool() && highlight->get_bool();
    return highlights || tweaks.contains("sound") || event.type() == proto::event_type::kEncrypted;
}

}  // namespace

json::object push_payload(const storage::Pusher& pusher, const PushContent& content, bool with_content) {
    const auto& event = *content.event;
    const auto data = data_of(pusher);
    auto tweaks = tweaks_of(content.actions);
    json::object notification{{"event_id", event.event_id().str()},
                              {"room_id", event.room_id().str()},
                              {"prio", is_urgent(event, tweaks) ? "high" : "low"},
                              {"counts", counts_of(content.unread)}};
    auto device = device_of(pusher);
    if (proto::get_string(data, "format") != "event_id_only") {
        device["tweaks"] = std::move(tweaks);
        notification["type"] = event.type();
        notification["sender"] = event.sender().str();
        if (event.type() == proto::event_type::kMember && event.state_key()) {
            notification["membership"] = event.membership().value_or("");
            notification["user_is_target"] = *event.state_key() == pusher.settings.key.user_id;
        }
        if (with_content) notification["content"] = event.content();
        if (content.sender_display_name) notification["sender_display_name"] = *content.sender_display_name;
        if (content.room_name) notification["room_name"] = *content.room_name;
        if (content.room_alias) notification["room_alias"] = *content.room_alias;
    }
    notification["devices"] = json::array{std::move(device)};
    return {{"notification", std::move(notification)}};
}

json::object badge_payload(const storage::Pusher& pusher, std::int64_t unread) {
    // Zero is the news here.
    json::object notification{{"counts", json::object{{"unread", unread}}},
                              {"devices", json::array{device_of(pusher)}}};
    return {{"notification", std::move(notification)}};
}

bool rejects(const std::string& answer, const std::string& push_key) {
    const auto parsed = proto::parse_json_object(answer);
    const auto* rejected = parsed ? proto::get_array(*parsed, "rejected") : nullptr;
    if (!rejected) return false;
    for (const auto& key : *rejected) {
        if (key.is_string() && std::string_view{key.get_string()} == push_key) return true;
    }
    return false;
}

std::string gateway_url(const storage::Pusher& pusher) {
    const auto data = data_of(pusher);
    return std::string{proto::get_string(data, "url").value_or("")};
}

}  // namespace weft::handlers
