#include "weft/proto/event_builder.hpp"

#include <sodium.h>

#include "weft/proto/event_types.hpp"

namespace weft::proto {

namespace {

BuildError too_large(std::string what) {
    return BuildError{413, "M_TOO_LARGE", std::move(what)};
}
BuildError bad_json(std::string what) {
    return BuildError{400, "M_BAD_JSON", std::move(what)};
}

json::array references(const std::vector<EventReference>& events, const RoomVersion& version) {
    json::array out;
    out.reserve(events.size());
    for (const auto& event : events) {
        if (version.event_ids_are_hashes()) {
            out.emplace_back(event.event_id.str());
        } else {
            out.push_back(json::array{event.event_id.str(), json::object{{"sha256", event.sha256_base64}}});
        }
    }
    return out;
}

std::vector<EventReference> plain_references(const std::vector<EventId>& ids) {
    std::vector<EventReference> out;
    out.reserve(ids.size());
    for (const auto& id : ids) out.push_back(EventReference{id});
    return out;
}

/// `$opaque:server` for the room versions whose ids are not hashes.
std::string random_event_id(std::string_view server_name) {
    std::array<char, 18> bytes;
    randombytes_buf(bytes.data(), bytes.size());
    return fmt::format("${}:{}", base64_url_encode({bytes.data(), bytes.size()}), server_name);
}

std::optional<BuildError> check_limits(const EventDraft& draft) {
    if (draft.type.size() > kEventTypeBytesMax) return too_large("Event type is longer than 255 bytes");
    if (draft.state_key && draft.state_key->size() > kStateKeyBytesMax) {
        return too_large("State key is longer than 255 bytes");
    }
    if (draft.sender.str().size() > kIdBytesMax) return too_large("Sender is longer than 255 bytes");
    if (draft.room_id && draft.room_id->str().size() > kIdBytesMax)
        return too_large("Room ID is longer than 255 bytes");
    return std::nullopt;
}

}  // namespace

EventReference reference_to(const Event& event) {
    EventReference reference{event.event_id()};
    if (!event.room_version().event_ids_are_hashes()) {
        reference.sha256_base64 =
            base64_encode(as_bytes(reference_hash(event.to_object(), event.room_version())));
    }
    return reference;
}

BuildResult build_event(EventDraft draft, const std::vector<EventReference>& prev_events,
                        const std::vector<EventReference>& auth_events, std::int64_t depth,
                        const RoomVersion& version, std::string_view server_name, const SigningKey& key) {
    if (auto problem = check_limits(draft)) return *std::move(problem);
    const bool makes_room_id =
        version.room_id_is_create_hash && draft.type == event_type::kCreate && draft.state_key == "";
    if (!makes_room_id && !draft.room_id) return bad_json("Event has no room");

    json::object pdu;
    if (!makes_room_id) pdu["room_id"] = draft.room_id->str();
    if (!version.event_ids_are_hashes()) pdu["event_id"] = random_event_id(server_name);
    // Servers of the time of these room versions expect it; redaction keeps it until version 11.
    if (!version.updated_redaction_rules) pdu["origin"] = server_name;
    pdu["sender"] = draft.sender.str();
    pdu["type"] = draft.type;
    if (draft.state_key) pdu["state_key"] = *draft.state_key;
    if (draft.redacts && version.redacts_in_content) {
        draft.content["redacts"] = draft.redacts->str();
    } else if (draft.redacts) {
        pdu["redacts"] = draft.redacts->str();
    }
    pdu["content"] = std::move(draft.content);
    pdu["origin_server_ts"] = draft.origin_server_ts;
    pdu["depth"] = std::min(depth, version.enforce_canonical_json ? kCanonicalDepthMax : kDepthMax);
    pdu["prev_events"] = references(prev_events, version);
    pdu["auth_events"] = references(auth_events, version);
    if (!draft.unsigned_data.empty()) pdu["unsigned"] = std::move(draft.unsigned_data);

    if (version.enforce_canonical_json) {
        if (auto canonical = check_canonical(pdu["content"]); !canonical)
            return bad_json(canonical.error().message);
    }
    pdu["hashes"] = json::object{{"sha256", base64_encode(as_bytes(content_hash(pdu)))}};
    sign_event(pdu, version, server_name, key);

    // `unsigned` does not count: most of it is for our own clients, and other servers get the event without
    // it.
    static constexpr std::string_view kUncounted[] = {"unsigned"};
    if (canonical_json_without(pdu, kUncounted).size() > kPduBytesMax) {
        return too_large("Event is larger than 65536 bytes");
    }
    auto event_id = compute_event_id(pdu, version);
    if (!event_id) return bad_json(event_id.error().message);
    auto text = canonical_json(pdu);
    auto event = Event::from_built(std::move(*event_id), std::move(pdu), std::move(text), version,
                                   std::move(draft.metadata));
    if (!event) return bad_json(event.error().message);
    return std::move(*event);
}

BuildResult build_event(EventDraft draft, const std::vector<EventId>& prev_events,
                        const std::vector<EventId>& auth_events, std::int64_t depth,
                        const RoomVersion& version, std::string_view server_name, const SigningKey& key) {
    return build_event(std::move(draft), plain_references(prev_events), plain_references(auth_events), depth,
                       version, server_name, key);
}

}  // namespace weft::proto
