#include "weft/proto/client_event.hpp"

#include "event_body.hpp"
#include "weft/proto/event_types.hpp"
#include "weft/proto/json_writer.hpp"

namespace weft::proto {

namespace {

/// What of `unsigned` clients get to see. The rest is internal (age_ts), of another place in /sync
/// (invite_room_state), or would let another server put words into our mouth.
constexpr std::string_view kShownUnsigned[] = {"prev_content", "prev_sender", "replaces_state"};

constexpr std::size_t kHeadOverheadBytes = 256;

}  // namespace

void Event::Body::make_client_form() const {
    JsonWriter head{pdu_json.size() / 2 + kHeadOverheadBytes};
    head.begin_object();
    // Room version 11 moved `redacts` into content; clients of either time find it where they look ("Room
    // version 11").
    if (redacts && !find(content, "redacts")) {
        json::object with_redacts = content;
        with_redacts["redacts"] = redacts->str();
        head.member("content", with_redacts);
    } else {
        head.member("content", content);
    }
    head.member("event_id", event_id.str());
    head.member("origin_server_ts", origin_server_ts);
    if (redacts) head.member("redacts", redacts->str());
    head.member("sender", sender.str());
    if (state_key) head.member("state_key", *state_key);
    head.member("type", type);
    client_head = head.take();
    client_head.shrink_to_fit();

    for (const auto key : kShownUnsigned) {
        const auto* value = find(unsigned_data, key);
        if (!value) continue;
        if (!client_unsigned_members.empty()) client_unsigned_members += ',';
        append_json_string(client_unsigned_members, key);
        client_unsigned_members += ':';
        append_json(client_unsigned_members, *value);
    }
}

void append_client_event(std::string& out, const Event& event, bool with_room_id,
                         std::string_view unsigned_json) {
    out += event.client_head();
    if (with_room_id) {
        out += ",\"room_id\":";
        append_json_string(out, event.room_id().str());
    }
    if (!unsigned_json.empty()) {
        out += ",\"unsigned\":";
        out += unsigned_json;
    }
    out += '}';
}

std::string client_event_json(const Event& event, ClientFormat format, std::string_view unsigned_json) {
    std::string out;
    append_client_event(out, event, format.include_room_id, unsigned_json);
    return out;
}

std::string client_unsigned(const Event& event, const UnsignedFacts& facts) {
    std::string members = event.client_unsigned_members();
    const auto next = [&members](std::string_view key) -> std::string& {
        if (!members.empty()) members += ',';
        append_json_string(members, key);
        members += ':';
        return members;
    };
    if (facts.now_ms) {
        const auto since = get_int(event.unsigned_data(), "age_ts").value_or(event.origin_server_ts());
        const fmt::format_int age{*facts.now_ms - since};
        next("age").append(age.data(), age.size());
    }
    if (facts.transaction_id) append_json_string(next("transaction_id"), *facts.transaction_id);
    if (!facts.membership.empty()) append_json_string(next("membership"), facts.membership);
    if (!facts.redacted_because_json.empty()) next("redacted_because") += facts.redacted_because_json;
    if (!facts.extra_members_json.empty()) {
        if (!members.empty()) members += ',';
        members += facts.extra_members_json;
    }
    if (members.empty()) return {};
    members.insert(members.begin(), '{');
    members += '}';
    return members;
}

json::object stripped_state(const Event& event) {
    json::object out;
    out["content"] = event.content();
    out["sender"] = event.sender().str();
    out["state_key"] = event.state_key().value_or("");
    out["type"] = event.type();
    return out;
}

}  // namespace weft::proto
