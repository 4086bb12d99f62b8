#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "weft/core/async.hpp"
#include "weft/storage/database.hpp"
#include "weft/storage/events_store.hpp"

namespace weft::storage {

/// What one query brings back about some events.
struct LoadedEvents {
    std::unordered_map<proto::EventId, StoredEventPtr> events;
    std::unordered_map<proto::EventId, std::vector<PushMark>> push_marks;  // only if asked for
};

enum class WithPushMarks { kNo, kYes };

/// Reads events from the database, applying redactions; what Synapse keeps elsewhere than in the event is put into it. No
/// cache.
Task<LoadedEvents> load_events(Database& db, std::vector<proto::EventId> ids, WithPushMarks with_push_marks);
/// The same without what is kept elsewhere: enough to judge events, not to show them.
Task<LoadedEvents> load_bare_events(Database& db, std::vector<proto::EventId> ids);

/// The state event that a state event says it replaced.
std::optional<proto::EventId> replaced_by(const proto::Event& event);
/// The event with what it replaced as `prev_content` and `prev_sender`; without them if that is null or not of its kind.
proto::EventPtr with_replaced(const proto::Event& event, const proto::Event* replaced);

/// The version named in a create event's JSON; version 1 if it names none, null if we do not know it.
const proto::RoomVersion* version_in_create_event(std::string_view event_json);

}  // namespace weft::storage
