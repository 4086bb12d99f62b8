#pragma once

#include <memory>
#include <string>
#include <vector>

#include "weft/handlers/event_view.hpp"
#include "weft/handlers/reading/ignored_users.hpp"
#include "weft/handlers/reading/visibility.hpp"
#include "weft/storage/account_data_store.hpp"
#include "weft/storage/relation_store.hpp"
#include "weft/storage/state_store.hpp"

namespace weft::handlers {

/// Aggregations of child events (client-server API, "Aggregations of child events"): the newest edit of an
/// event, its thread, and what refers to it. Logic thread only.
class Aggregations {
public:
    Aggregations(storage::RelationStore& relations, storage::EventsStore& events, storage::StateStore& states,
                 storage::AccountDataStore& account_data, Visibility& visibility)
        : relations_{relations}, events_{events}, states_{states}, account_data_{account_data}, visibility_{visibility} {}

    /// Puts into the viewer what belongs to `events`, which they may see: their aggregations, and what the viewer was to
    /// the room at each. Events without relations cost nothing but a look into memory, and children that the viewer may
    /// not see are left out.
    Task<void> add_to(EventViewer& viewer, std::vector<storage::StoredEventPtr> events);

private:
    using RelationsOf = std::unordered_map<proto::EventId, storage::EventRelationsPtr>;
    using EventsById = std::unordered_map<proto::EventId, storage::StoredEventPtr>;
    struct Shown;

    Task<RelationsOf> relations_of(const std::vector<storage::StoredEventPtr>& events);
    Task<EventsById> load_visible(const std::string& user_id, std::vector<proto::EventId> ids);
    static storage::StoredEventPtr newest_edit(const storage::StoredEvent& event,
                                               const RelationsOf& relations, const EventsById& children);

    storage::RelationStore& relations_;
    storage::EventsStore& events_;
    storage::StateStore& states_;
    storage::AccountDataStore& account_data_;
    Visibility& visibility_;
};

}  // namespace weft::handlers
