#pragma once

#include <vector>

#include "weft/storage/persist_events_store.hpp"

namespace weft::storage {

/// What only events of other servers need: a note that they were rejected, and the record of which events the
/// room lacks. After the events themselves, in the same transaction.
void write_uncommon_events(Transaction& txn, const PersistBatch& batch,
                           const std::vector<proto::EventPtr>& events, std::int64_t now_ms);

/// Whether there is any such thing to write.
bool has_uncommon_events(const PersistBatch& batch, const std::vector<proto::EventPtr>& events);

}  // namespace weft::storage
