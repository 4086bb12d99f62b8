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

/// The version named in a create event's JSON; version 1 if it names none, null if we do not know it.
const proto::RoomVersion* version_in_create_event(std::string_view event_json);

}  // namespace weft::storage
