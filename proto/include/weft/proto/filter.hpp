#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weft/proto/event.hpp"
#include "weft/proto/json.hpp"

namespace weft::proto {

/// Which events of a list are wanted (client-server API, "Filtering"). An absent list admits all; an empty
/// one, none.
struct EventFilter {
    std::optional<std::int64_t> limit;
    std::optional<std::vector<std::string>> types;
    std::vector<std::string> not_types;
    std::optional<std::vector<std::string>> senders;
    std::vector<std::string> not_senders;
    std::optional<std::vector<std::string>> rooms;
    std::vector<std::string> not_rooms;
    std::optional<bool> contains_url;
    bool lazy_load_members = false;
    bool include_redundant_members = false;
    bool unread_thread_notifications = false;

    bool matches_type(std::string_view type) const;
    bool matches_sender(std::string_view sender) const;
    bool matches_room(std::string_view room_id) const;
    bool matches(const Event& event) const;
    /// For what is not a room event: account data, presence, ephemeral events.
    bool matches(std::string_view type, std::optional<std::string_view> sender = {}) const;
    /// Nothing can match, whatever comes: an empty list of types, senders or rooms.
    bool admits_nothing() const;
    /// No condition on events; limit and lazy loading do not count.
    bool admits_everything() const;
    std::int64_t limit_or(std::int64_t fallback, std::int64_t limit_max) const;

    /// Filter of one list, as /messages, /context and /search take it.
    static core::Result<EventFilter> parse(const json::object& object);
    /// The JSON text of the `filter` query parameter.
    static core::Result<EventFilter> parse(std::string_view text);
    bool operator==(const EventFilter&) const = default;
};

enum class EventFormatWanted { kClient, kFederation };

/// A whole sync filter. Without any setting it is what a sync without filter uses.
struct FilterDefinition {
    struct Room {
        EventFilter timeline;
        EventFilter state;
        EventFilter ephemeral;
        EventFilter account_data;
        std::optional<std::vector<std::string>> rooms;
        std::vector<std::string> not_rooms;
        bool include_leave = false;
        bool operator==(const Room&) const = default;
    };
    Room room;
    EventFilter presence;
    EventFilter account_data;
    std::vector<std::string> event_fields;  ///< empty: all
    EventFormatWanted event_format = EventFormatWanted::kClient;

    bool is_default() const { return *this == FilterDefinition{}; }
    /// Both `room.rooms` and `room.not_rooms`.
    bool matches_room(std::string_view room_id) const;
    bool lazy_load_members() const { return room.state.lazy_load_members || room.timeline.lazy_load_members; }

    /// Unknown keys are ignored, wrong types are errors that name the key.
    static core::Result<FilterDefinition> parse(const json::object& object);
    static core::Result<FilterDefinition> parse(std::string_view text);
    bool operator==(const FilterDefinition&) const = default;
};

/// `*` stands for any characters.
bool wildcard_matches(std::string_view pattern, std::string_view text);
/// "content.m\.relates_to.rel_type" into its names (appendices, "Dot-separated property paths").
std::vector<std::string> split_property_path(std::string_view path);
/// The client form of an event with only these fields (`event_fields`). All of it if `fields` is empty.
json::object only_fields(const json::object& event, std::span<const std::string> fields);

}  // namespace weft::proto
