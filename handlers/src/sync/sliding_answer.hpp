#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sync/room_timeline.hpp"
#include "weft/handlers/event_view.hpp"
#include "weft/handlers/sync/sliding_sync_request.hpp"
#include "weft/storage/e2e_key_store.hpp"
#include "weft/storage/push_action_store.hpp"

namespace weft::handlers {

/// One room of an answer, ready to be written.
struct SlidingRoomAnswer {
    bool initial = false;
    bool expanded_timeline = false;
    std::string membership;
    std::optional<std::string> invite_state;  // JSON array; of rooms the user is not in
    RoomTimeline timeline;
    std::int64_t live_events = 0;  // at the end of the timeline: what came since the client's position
    std::vector<storage::StoredEventPtr> required_state;
    std::optional<std::string> name;
    std::optional<std::string> avatar;
    bool avatar_removed = false;
    std::vector<storage::StoredEventPtr> heroes;                 // their members
    std::optional<std::pair<std::size_t, std::size_t>> members;  // joined and invited
    std::optional<bool> is_dm;
    std::int64_t bump_stamp = 0;
    storage::UnreadCounts unread;
};

struct SlidingListAnswer {
    std::size_t count = 0;
    struct Window {
        std::pair<std::size_t, std::size_t> range;
        std::vector<std::string> rooms;
    };
    std::vector<Window> windows;
};

/// Everything of one answer, collected before it is written. Extensions that were not asked for are null.
struct SlidingAnswer {
    SyncToken next;
    std::map<std::string, SlidingListAnswer> lists;
    std::map<std::string, SlidingRoomAnswer> rooms;

    struct ToDevice {
        std::vector<std::string> events;
        std::int64_t next = 0;
    };
    struct Keys {
        std::shared_ptr<const storage::DeviceKeyCounts> counts;
        bool counts_changed = false;  // since the device was last told
        std::set<std::string> changed;
        std::set<std::string> left;
    };
    struct AccountData {
        std::vector<std::string> global;
        std::map<std::string, std::vector<std::string>> rooms;
    };
    using Ephemeral = std::map<std::string, std::string>;  // room → event
    std::optional<ToDevice> to_device;
    std::optional<Keys> keys;
    std::optional<AccountData> account_data;
    std::optional<Ephemeral> receipts;
    std::optional<Ephemeral> typing;

    /// The rooms it was made of; not written.
    storage::UserRoomsPtr rooms_of_user;

    bool empty() const {
        return rooms.empty() && (!to_device || to_device->events.empty()) &&
               (!keys || (!keys->counts_changed && keys->changed.empty() && keys->left.empty())) &&
               (!account_data || (account_data->global.empty() && account_data->rooms.empty())) &&
               (!receipts || receipts->empty()) && (!typing || typing->empty());
    }
};

/// The body of the response.
std::string write_sliding_answer(const SlidingAnswer& answer, std::int64_t position_id,
                                 const EventViewer& viewer);

}  // namespace weft::handlers
