#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "sync/room_membership.hpp"
#include "sync/sync_answer.hpp"
#include "sync/sync_room.hpp"
#include "weft/core/metrics.hpp"
#include "weft/handlers/sync/sync.hpp"

namespace weft::handlers {

inline LazyMembers::Exchange lazy_exchange(const SyncRequest& request, const SyncToken& next) {
    return {request.user_id + '\x1f' + request.device_id, request.since ? request.since->room.sum() : 0, next.room.sum()};
}

/// State of Sync, shared by its source files: sync.cpp waits and collects what is not of rooms, sync_rooms.cpp the rooms,
/// sync_parts.cpp tells many rooms a few at a time.
struct Sync::Impl {
    /// Account data and tags of the user that this answer may tell.
    struct UserData {
        storage::UserAccountData data;
        storage::TagsByRoom tags;

        bool names(const std::string& room_id) const { return data.rooms.contains(room_id) || tags.contains(room_id); }
    };
    using Ignored = IgnoredUsers;
    using PendingRooms = std::vector<std::pair<proto::RoomId, std::string>>;

    explicit Impl(SyncSources from);

    /// What is left to be shown once it is known which rooms have something to show.
    struct Chosen {
        SyncRooms rooms;
        UserData user;
        Ignored ignored;
    };
    class Parts;

    Task<SyncBody> run(SyncRequest request);
    Task<SyncBody> run_initial(SyncRequest request, EventViewer viewer);
    Task<SyncAnswer> collect(const SyncRequest& request, SyncToken next);
    Task<void> collect_outside_rooms(const SyncRequest& request, const UserData& user, SyncAnswer& answer);

    Task<UserData> user_data(const SyncRequest& request, const SyncToken& next);
    Task<void> collect_account_data(const SyncRequest& request, const UserData& user, SyncAnswer& answer);
    Task<void> collect_presence(const SyncRequest& request, SyncAnswer& answer);
    Task<void> collect_to_device(const SyncRequest& request, SyncAnswer& answer);
    Task<void> collect_device_lists(const SyncRequest& request, SyncAnswer& answer);
    Task<void> collect_key_counts(const SyncRequest& request, SyncAnswer& answer);
    void note_keys_told(const SyncRequest& request, const SyncAnswer& answer);
    Task<bool> shares_joined_room(storage::UserRoomsPtr rooms, std::string other);

    Task<Chosen> choose_rooms(const SyncRequest& request, const SyncAnswer& answer);
    Task<void> collect_rooms(const SyncRequest& request, const Chosen& chosen, SyncAnswer& answer);
    Task<void> collect_pending(const SyncRequest& request, const Chosen& chosen, SyncAnswer& answer);
    bool may_have_news(const SyncRequest& request, const SyncRooms::Joined& room, const UserData& user) const;
    Task<PendingRooms> pending_rooms(const std::vector<SyncRooms::Pending>& pending, std::string_view state_key, const Ignored& ignored,
                                     const proto::FilterDefinition& filter);
    Task<void> complete_user_data(const SyncRequest& request, const std::vector<SyncRooms::Joined>& joined, UserData& user);
    Task<void> collect_joined(const SyncRequest& request, const std::vector<SyncRooms::Joined>& joined, const Ignored& ignored,
                              const UserData& user, SyncAnswer& answer);
    Task<std::unordered_map<proto::RoomId, RoomTimeline>> joined_timelines(const SyncRequest& request,
                                                                           const std::vector<SyncRooms::Joined>& joined,
                                                                           const Ignored& ignored, const SyncToken& next);
    using EventsById = std::unordered_map<proto::EventId, storage::StoredEventPtr>;
    static void add_state(SyncRoom& room, const std::vector<proto::EventId>& chosen, const EventsById& events,
                          const proto::EventFilter& filter);
    static void add_user_data(SyncRoom& room, const UserData& user, const proto::EventFilter& filter);
    Task<boost::json::object> summary(storage::RoomStatePtr state, std::string user_id);
    Task<std::unordered_map<std::string, std::vector<std::string>>> collect_ephemeral(const SyncRequest& request,
                                                                                      const std::vector<SyncRooms::Joined>& joined,
                                                                                      const SyncToken& next);
    static void note_people(const SyncRequest& request, const SyncRoom& room, bool newly_joined, const storage::RoomState& state,
                            SyncAnswer& answer);
    Task<void> collect_left(const SyncRequest& request, const std::vector<SyncRooms::Left>& left, const Ignored& ignored,
                            const UserData& user, SyncAnswer& answer);
    Task<void> note_people_left_behind(const SyncRequest& request, storage::StateMapPtr state, SyncAnswer& answer);

    SyncSources sources;
    RoomMembership membership;
    LazyMembers lazy;
    TimelineLoader timelines;
    RoomStateChooser chooser;
    core::Counter initial_syncs;
    core::Counter incremental_syncs;
    /// What each device was told last of its keys, so that a poll ends when that changes.
    std::unordered_map<storage::KeyPair, std::shared_ptr<const storage::DeviceKeyCounts>, storage::KeyPairHash> keys_told;
    bool ending = false;
};

}  // namespace weft::handlers
