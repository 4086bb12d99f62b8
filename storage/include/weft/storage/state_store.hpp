#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "weft/proto/event.hpp"
#include "weft/proto/state_key.hpp"
#include "weft/storage/database.hpp"
#include "weft/storage/events_store.hpp"
#include "weft/storage/writer_positions.hpp"
#include "weft/storage/stream_state.hpp"

namespace weft::storage {

/// Somebody's membership of a room, as the current state has it.
struct RoomMember {
    std::string membership;  // join, invite, leave, ban, knock
    proto::EventId event_id;
};

/// The current state of a room at this process's position of the events stream.
struct RoomState {
    proto::StateMap events;
    std::unordered_map<std::string, RoomMember> members;
    std::size_t joined = 0;
    std::size_t invited = 0;

    /// The event that holds the key, or null.
    const proto::EventId* find(std::string_view type, std::string_view state_key = {}) const;
    /// Membership of a user; "leave" if there is none.
    std::string_view membership(const std::string& user_id) const;
    void set(const proto::StateKey& key, std::optional<proto::EventId> event_id, std::string_view membership);
};
using RoomStatePtr = std::shared_ptr<const RoomState>;

/// A room as a local user has it: `local_current_membership`.
struct UserRoom {
    proto::RoomId room_id;
    std::string membership;
    proto::EventId event_id;
    std::int64_t stream_ordering;  // of the membership event
    std::string sender;            // of the membership event
    bool forgotten = false;
    WriterTag writer = std::nullopt;  // of the membership event
};
using UserRooms = std::unordered_map<proto::RoomId, UserRoom>;
using UserRoomsPtr = std::shared_ptr<const UserRooms>;

using StateMapPtr = std::shared_ptr<const proto::StateMap>;

/// A state event, its key, and the event that a certain state has there.
struct HeldKey {
    proto::EventId event_id;
    proto::StateKey key;
    proto::EventId holder;
};

/// Reads room state: current, and at any event through state groups. Constructed in every process. Current states in
/// memory are kept up to date by the rows of the events stream, in place, and so need no query when a room changes.
/// Logic thread only.
class StateStore {
public:
    StateStore(Databases databases, StreamState& events, EventsStore& store, CacheRegistry& caches, std::size_t rooms_max,
               asio::any_io_executor executor);
    ~StateStore();

    /// Current state of a room; empty if we are not in it (any more).
    Task<RoomStatePtr> current_state(proto::RoomId room_id);
    /// Several at once, one query for those not in memory.
    Task<std::unordered_map<proto::RoomId, RoomStatePtr>> current_states(std::vector<proto::RoomId> rooms);
    RoomStatePtr cached_current_state(const proto::RoomId& room_id);
    /// What the table of current state holds, read from it: for its writer, whose position may be behind its own commits.
    Task<StateMapPtr> stored_state(proto::RoomId room_id);
    /// The event at a key of the current state, loaded; null if there is none.
    Task<proto::EventPtr> current_event(proto::RoomId room_id, std::string type, std::string state_key = {});
    /// Local users who are joined.
    Task<std::vector<std::string>> joined_local_users(proto::RoomId room_id, std::string_view server_name);

    /// All rooms of a local user with the membership, left and forgotten ones too.
    Task<UserRoomsPtr> rooms_of_user(std::string user_id);
    /// Whether the two users share a room in which both are joined.
    Task<bool> share_room(std::string a, std::string b);
    /// All users that share a joined room with this one.
    Task<std::vector<std::string>> users_sharing_rooms(std::string user_id);

    /// State after the event (after it, if it is itself a state event); null if it has no state here.
    Task<StateMapPtr> state_after(proto::EventId event_id);
    /// State before the event.
    Task<StateMapPtr> state_before(proto::EventId event_id);
    /// State groups of events, one query for all.
    Task<std::unordered_map<proto::EventId, std::int64_t>> groups_of(std::vector<proto::EventId> event_ids);
    Task<StateMapPtr> group(std::int64_t state_group);
    /// How many differences lead to the full group that this one is built on.
    Task<std::size_t> group_chain(std::int64_t state_group);
    /// Of each group, the keys that not all of them have with the same value; without reading the states, if the groups
    /// have a common predecessor.
    Task<std::vector<proto::StateMap>> difference(std::vector<std::int64_t> state_groups);
    /// Some keys of a group, without reading it whole.
    Task<proto::StateMap> keys_of_group(std::int64_t state_group, std::vector<proto::StateKey> keys);
    /// What a group has at the keys of some state events; unknown events and keys it does not have are left out.
    Task<std::vector<HeldKey>> holders(std::int64_t state_group, std::vector<proto::EventId> event_ids);
    /// Only some keys of the states after many events (visibility checks): event → (key → event).
    Task<std::unordered_map<proto::EventId, proto::StateMap>> state_after_for_keys(std::vector<proto::EventId> event_ids,
                                                                                   std::vector<proto::StateKey> keys);

    /// Keys of the room's current state that changed after `from` and not after `to`.
    Task<std::vector<proto::StateKey>> changed_keys(proto::RoomId room_id, WriterPositions from, WriterPositions to);

    /// Marks the room forgotten for the user; takes effect in every process.
    void invalidate_user(const std::string& user_id);
    /// The room is gone from the database, in part or all of it.
    void forget_room(const proto::RoomId& room_id);
    /// The persister made a group: saves the next reader a query.
    void put_group(std::int64_t state_group, StateMapPtr state);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace weft::storage
