// What the directory shows of a room, and who finds it.
#include <algorithm>

#include "weft/handlers/rooms/public_rooms.hpp"
#include "weft/proto/event_types.hpp"

namespace weft::handlers {

namespace event_type = proto::event_type;
namespace json = boost::json;

namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool contains_ignoring_case(std::string_view text, std::string_view part) {
    const auto same = [](char a, char b) { return lower(a) == lower(b); };
    return std::search(text.begin(), text.end(), part.begin(), part.end(), same) != text.end() ||
           part.empty();
}

/// Copies a string of the content, if it is one and says something.
void copy_text(json::object& entry, std::string_view as, const json::object& content, std::string_view key) {
    const auto text = proto::get_string(content, key);
    if (text && !text->empty()) entry[as] = *text;
}

}  // namespace

json::object directory_entry(const storage::PublicRoom& room, const std::vector<proto::EventPtr>& state) {
    json::object entry{{"room_id", room.room_id},
                       {"num_joined_members", room.joined_members},
                       {"world_readable", false},
                       {"guest_can_join", false}};
    for (const auto& event : state) {
        const auto& content = event->content();
        const auto& type = event->type();
        if (type == event_type::kName) copy_text(entry, "name", content, "name");
        if (type == event_type::kTopic) copy_text(entry, "topic", content, "topic");
        if (type == event_type::kAvatar) copy_text(entry, "avatar_url", content, "url");
        if (type == event_type::kCanonicalAlias) copy_text(entry, "canonical_alias", content, "alias");
        if (type == event_type::kJoinRules) copy_text(entry, "join_rule", content, "join_rule");
        if (type == event_type::kCreate) copy_text(entry, "room_type", content, "type");
        if (type == event_type::kHistoryVisibility) {
            entry["world_readable"] = proto::get_string(content, "history_visibility") == "world_readable";
        }
        if (type == event_type::kGuestAccess) {
            entry["guest_can_join"] = proto::get_string(content, "guest_access") == "can_join";
        }
    }
    // A reader takes a missing rule for "public"; a room without the event is closed.
    if (!entry.contains("join_rule")) entry["join_rule"] = "invite";
    return entry;
}

bool matches(const json::object& entry, const PublicRoomsQuery& query) {
    if (query.room_types) {
        const auto text = proto::get_string(entry, "room_type");
        const auto type = text ? std::optional<std::string>{*text} : std::nullopt;
        if (std::ranges::find(*query.room_types, type) == query.room_types->end()) return false;
    }
    if (query.search.empty()) return true;
    for (const auto* const key : {"name", "topic", "canonical_alias"}) {
        const auto text = proto::get_string(entry, key);
        if (text && contains_ignoring_case(*text, query.search)) return true;
    }
    return false;
}

}  // namespace weft::handlers
