#pragma once

#include "weft/core/background.hpp"
#include "weft/core/clock.hpp"
#include "weft/storage/database.hpp"

namespace weft::workers {

/// What one process of a cluster does to the database besides serving requests: brings old events into the index over
/// auth chains, deletes unreferenced state groups once a day, and rolls up old push actions every half hour.
/// `state_db`: where state groups are, if they are kept apart; may be null. All outlive `tasks`.
void start_maintenance(core::BackgroundTasks& tasks, storage::Database& db, storage::Database* state_db, const core::Clock& clock);

}  // namespace weft::workers
