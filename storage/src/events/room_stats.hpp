#pragma once

#include <vector>

#include "weft/storage/persist_events_store.hpp"

namespace weft::storage {

/// Brings `room_stats_current` and `room_stats_state` up to the changes of current state that the batch
/// makes; after these, in the same transaction. Public room lists are made from them.
void write_room_stats(Transaction& txn, const PersistBatch& batch, const std::vector<proto::EventPtr>& events,
                      std::int64_t token);

}  // namespace weft::storage
