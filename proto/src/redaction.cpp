#include "weft/proto/redaction.hpp"

#include <algorithm>
#include <span>
#include <string_view>

#include "weft/proto/event_types.hpp"

namespace weft::proto {

namespace {

using Keys = std::span<const std::string_view>;

constexpr std::string_view kTopLevel[] = {"event_id",  "type",        "room_id",     "sender",
                                          "state_key", "content",     "hashes",      "signatures",
                                          "depth",     "prev_events", "auth_events", "origin_server_ts"};
constexpr std::string_view kTopLevelBefore11[] = {"prev_state", "origin", "membership"};
constexpr std::string_view kPowerLevelKeys[] = {"ban",    "events",        "events_default", "kick",
                                                "redact", "state_default", "users",          "users_default"};

bool contains(Keys keys, std::string_view key) {
    return std::ranges::find(keys, key) != keys.end();
}

bool keeps_top_level(std::string_view key, const RoomVersion& version) {
    return contains(kTopLevel, key) || (!version.updated_redaction_rules && contains(kTopLevelBefore11, key));
}

bool keeps_content(std::string_view type, std::string_view key, const RoomVersion& version) {
    if (type == event_type::kMember) {
        return key == "membership" ||
               (version.restricted_joins_survive_redaction && key == "join_authorised_via_users_server");
    }
    if (type == event_type::kCreate) return version.updated_redaction_rules || key == "creator";
    if (type == event_type::kJoinRules)
        return key == "join_rule" || (version.restricted_joins && key == "allow");
    if (type == event_type::kPowerLevels) {
        return contains(kPowerLevelKeys, key) || (version.updated_redaction_rules && key == "invite");
    }
    if (type == event_type::kAliases) return version.aliases_are_special && key == "aliases";
    if (type == event_type::kHistoryVisibility) return key == "history_visibility";
    if (type == event_type::kRedaction) return version.updated_redaction_rules && key == "redacts";
    return false;
}

json::object prune_content(const json::object& content, std::string_view type, const RoomVersion& version) {
    json::object kept;
    for (const auto& member : content) {
        if (keeps_content(type, member.key(), version)) kept.emplace(member.key(), member.value());
    }
    if (version.updated_redaction_rules && type == event_type::kMember) {
        const auto* invite = get_object(content, "third_party_invite");
        const auto* proof = invite ? find(*invite, "signed") : nullptr;
        if (proof) kept["third_party_invite"] = json::object{{"signed", *proof}};
    }
    return kept;
}

}  // namespace

json::object prune(const json::object& event, const RoomVersion& version) {
    const auto type = get_string(event, "type").value_or("");
    json::object kept;
    for (const auto& member : event) {
        const std::string_view key = member.key();
        if (key == "content") {
            const auto* content = member.value().if_object();
            kept.emplace(key, content ? prune_content(*content, type, version) : json::object{});
        } else if (keeps_top_level(key, version)) {
            kept.emplace(key, member.value());
        }
    }
    return kept;
}

EventPtr prune_event(const Event& event) {
    auto pruned = prune(event.to_object(), event.room_version());
    json::object kept_unsigned;
    for (const auto* key : {"age_ts", "replaces_state"}) {
        if (const auto* value = find(event.unsigned_data(), key)) kept_unsigned[key] = *value;
    }
    if (!kept_unsigned.empty()) pruned["unsigned"] = std::move(kept_unsigned);
    auto metadata = event.metadata();
    metadata.redacted = true;
    auto result = Event::from_database(event.event_id(), canonical_json(pruned), "", event.room_version());
    // What made the event loadable (type, sender, room_id) survives pruning.
    return result.value()->with_metadata(std::move(metadata));
}

}  // namespace weft::proto
