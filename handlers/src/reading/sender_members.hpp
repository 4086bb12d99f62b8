#pragma once

#include <vector>

#include "weft/storage/events_store.hpp"
#include "weft/storage/state_store.hpp"

namespace weft::handlers {

/// m.room.member events of all who sent one of `events`, as they stood after the event `at` (client-server
/// API, "Lazy-loading room members").
Task<std::vector<storage::StoredEventPtr>> sender_members(storage::EventsStore& store,
                                                          storage::StateStore& states,
                                                          std::vector<storage::StoredEventPtr> events,
                                                          proto::EventId at);

}  // namespace weft::handlers
