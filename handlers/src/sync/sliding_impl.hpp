#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "sync/lazy_members.hpp"
#include "sync/room_timeline.hpp"
#include "sync/sliding_answer.hpp"
#include "sync/sliding_state.hpp"
#include "weft/handlers/sync/sliding_sync.hpp"

namespace weft::handlers {

/// One of the user's rooms, as lists sort and filter it.
struct SlidingRoom {
    storage::UserRoom room;
    SlidingStanding standing = SlidingStanding::kJoined;
    std::int64_t recency = 0;
};

/// A room that is to be shown: in a window of a list, or subscribed to.
struct SlidingWanted {
    SlidingRoom room;
    SlidingRoomConfig config;  // of all that want it together
    std::set<std::string> lists;
    bool subscribed = false;
    /// Where it is told from; the beginning for a room that is new to the client.
    SyncToken from;
    bool initial = false;
    bool expanded = false;          // the client wants more of the timeline than it was sent
    bool more_required = false;     // and more of the state
    RequiredState known;            // required state that it was sent before
    storage::ReceiptList receipts;  // since `from`; of a room that is new to the client none are read
    bool counts_changed = false;    // the user has read something: there is less that is unread
};
using SlidingWantedRooms = std::map<std::string, SlidingWanted>;

/// State of SlidingSync, shared by its source files: sliding_sync.cpp waits and keeps positions,
/// sliding_lists.cpp sorts and filters, sliding_rooms.cpp builds rooms, sliding_extensions.cpp the rest.
struct SlidingSync::Impl {
    Impl(SyncSources from, storage::SlidingSyncStore& connection_store,
         storage::RoomRecencyStore& recency_store, DeviceListChanges& device_list_changes);

    Task<std::string> run(SlidingSyncRequest request);
    static std::string lazy_device(const SlidingSyncRequest& request);
    Task<SlidingConnectionState> load_state(const SlidingSyncRequest& request);
    Task<SlidingAnswer> collect(const SlidingSyncRequest& request, SlidingConnectionState& state,
                                SyncToken next);
    Task<std::int64_t> position_after(const SlidingSyncRequest& request, const SlidingConnectionState& before,
                                      const SlidingConnectionState& after);

    // Lists
    Task<std::vector<SlidingRoom>> sorted_rooms(const SlidingSyncRequest& request,
                                                const SlidingConnectionState& state,
                                                storage::UserRoomsPtr rooms);
    struct UserFacts {
        std::unordered_set<std::string> direct;  // rooms
        std::shared_ptr<const storage::TagsByRoom> tags;
    };
    Task<UserFacts> user_facts(const std::string& user_id);
    Task<std::vector<const SlidingRoom*>> filtered(const SlidingFilters& filters,
                                                   const std::vector<SlidingRoom>& rooms,
                                                   const UserFacts& facts);
    Task<bool> matches_state(const SlidingFilters& filters, const SlidingRoom& room);
    Task<std::unordered_set<std::string>> children_of(std::vector<std::string> spaces);
    Task<SlidingWantedRooms> wanted_rooms(const SlidingSyncRequest& request,
                                          const std::vector<SlidingRoom>& rooms, const UserFacts& facts,
                                          SlidingAnswer& answer);
    static void place(SlidingWantedRooms& wanted, const SlidingSyncRequest& request,
                      const SlidingConnectionState& state);
    Task<void> note_missed(const SlidingSyncRequest& request, const SlidingWantedRooms& wanted,
                           SlidingConnectionState& state);
    static void note_sent(const SlidingWantedRooms& wanted, SlidingConnectionState& state);

    // Rooms
    Task<void> read_receipts(const SlidingSyncRequest& request, SlidingWantedRooms& wanted,
                             const SlidingAnswer& answer);
    Task<void> add_rooms(const SlidingSyncRequest& request, const SlidingWantedRooms& wanted,
                         const UserFacts& facts, SlidingAnswer& answer);
    bool has_news(const SlidingWanted& wanted) const;
    Task<std::unordered_map<std::string, RoomTimeline>> timelines_of(
        const SlidingSyncRequest& request, const std::vector<const SlidingWanted*>& rooms,
        const SyncToken& next);
    Task<SlidingRoomAnswer> joined_room(const SlidingSyncRequest& request, const SlidingWanted& wanted,
                                        RoomTimeline timeline, const SyncToken& next);
    Task<SlidingRoomAnswer> pending_room(const SlidingWanted& wanted);
    Task<void> add_required_state(const SlidingSyncRequest& request, const SlidingWanted& wanted,
                                  const SyncToken& next, storage::RoomStatePtr state, SlidingRoomAnswer& out);
    Task<void> add_description(const SlidingSyncRequest& request, const SlidingWanted& wanted,
                               storage::RoomStatePtr state, const std::set<std::string>& changed_types,
                               SlidingRoomAnswer& out);

    // Extensions
    Task<void> add_extensions(const SlidingSyncRequest& request, const SlidingWantedRooms& wanted,
                              SlidingAnswer& answer);
    Task<void> add_to_device(const SlidingSyncRequest& request, SlidingAnswer& answer);
    Task<void> add_keys(const SlidingSyncRequest& request, SlidingAnswer& answer);
    Task<void> add_account_data(const SlidingSyncRequest& request, const SlidingWantedRooms& wanted,
                                SlidingAnswer& answer);
    Task<void> add_receipts(const SlidingSyncRequest& request, const SlidingWantedRooms& wanted,
                            SlidingAnswer& answer);
    void add_typing(const SlidingSyncRequest& request, const SlidingWantedRooms& wanted,
                    SlidingAnswer& answer) const;
    bool members_changed_after(std::int64_t token);
    void note_keys_told(const SlidingSyncRequest& request, const SlidingAnswer& answer);

    SyncSources sources;
    storage::SlidingSyncStore& connections;
    storage::RoomRecencyStore& recency;
    DeviceListChanges& device_lists;
    TimelineLoader timelines;
    LazyMembers lazy;
    /// What each device was told last of its keys, so that a poll ends when that changes.
    std::unordered_map<storage::KeyPair, std::shared_ptr<const storage::DeviceKeyCounts>,
                       storage::KeyPairHash>
        keys_told;
    std::optional<std::int64_t> members_known_from;
    std::int64_t newest_member = 0;  // token of the newest membership event seen here
    bool ending = false;
};

}  // namespace weft::handlers
