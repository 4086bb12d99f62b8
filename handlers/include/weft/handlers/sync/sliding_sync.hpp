#pragma once

#include <memory>
#include <string>

#include "weft/handlers/e2e/device_list_changes.hpp"
#include "weft/handlers/sync/sliding_sync_request.hpp"
#include "weft/handlers/sync/sync.hpp"
#include "weft/storage/room_recency_store.hpp"
#include "weft/storage/sliding_sync_store.hpp"

namespace weft::handlers {

/// Simplified sliding sync (MSC4186): windows on lists of the user's rooms. What each connection was sent is
/// in the database, so requests of one connection may come to any process. Logic thread only.
class SlidingSync {
public:
    SlidingSync(SyncSources sources, storage::SlidingSyncStore& connections,
                storage::RoomRecencyStore& recency, DeviceListChanges& device_lists);
    ~SlidingSync();

    /// The response body. Waits for news if there is none. Throws M_UNKNOWN_POS if the connection is not
    /// known (any more).
    Task<std::string> sync(SlidingSyncRequest request);
    /// Shutdown: polls that wait are answered now.
    void end_polls();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace weft::handlers
