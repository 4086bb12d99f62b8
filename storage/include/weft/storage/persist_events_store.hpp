#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "weft/core/clock.hpp"
#include "weft/proto/event.hpp"
#include "weft/proto/state_key.hpp"
#include "weft/storage/cache_stream_writer.hpp"
#include "weft/storage/database.hpp"
#include "weft/storage/event_lease.hpp"
#include "weft/storage/stream_state.hpp"

namespace weft::storage {

/// One local user to be notified of an event.
struct PushAction {
    std::string user_id;
    std::string actions;  // '' for the default actions, else JSON
    bool notify = false;
    bool highlight = false;
};

/// One event of a batch, with what is to be stored beside it.
struct EventToPersist {
    proto::EventPtr event;         // metadata without stream_ordering: it is given here
    std::int64_t state_group = 0;  // state after the event; 0 for outliers
    std::vector<PushAction> push_actions;
    std::optional<std::string> thread_id;  // root of the thread in which the push actions count
    std::optional<std::string> txn_id;  // of the sending device
    std::string device_id;
    bool was_staged = false;  // whoever built it has left push actions in event_push_actions_staging: they go
};

/// A new state group: the whole state, or the difference to `prev_group`.
struct NewStateGroup {
    std::int64_t id = 0;
    proto::EventId event_id;
    std::optional<std::int64_t> prev_group;
    std::vector<std::pair<proto::StateKey, proto::EventId>> rows;
};

/// One changed key of a room's current state.
struct StateChange {
    proto::StateKey key;
    std::optional<proto::EventId> event_id;  // none: the key is gone
    std::optional<proto::EventId> prev_event_id;
    std::string membership;  // of m.room.member events
};

/// What a local user's membership of the room becomes: outlives the room's current state when the server
/// leaves.
struct LocalMembership {
    std::string user_id;
    proto::EventId event_id;
    std::string membership;
};

/// How large a room is; nothing of it once the server has left.
struct RoomCounts {
    std::int64_t state_events = 0;
    std::int64_t joined = 0;
    std::int64_t local_joined = 0;
};

/// A batch of events of one room, stored in one transaction.
struct PersistBatch {
    explicit PersistBatch(proto::RoomId room) : room_id{std::move(room)} {}

    proto::RoomId room_id;
    std::int64_t lease = 0;  // under which the room's head was read
    const proto::RoomVersion* version = nullptr;
    bool new_room = false;       // write the `rooms` row
    bool may_have_gaps = false;  // of another server: events may name previous ones that we lack
    std::string creator;
    std::vector<EventToPersist> events;  // oldest first
    std::vector<NewStateGroup> state_groups;
    std::vector<StateChange> state_delta;
    std::optional<RoomCounts> counts;  // after the batch; none: room stats are left alone
    std::vector<LocalMembership> local_memberships;
    std::vector<proto::EventId> forward_extremities;  // of the room after the batch
};

/// All writes of event persistence. Constructed only in processes that write the events stream: anywhere else
/// there is no object to misuse.
class PersistEventsStore {
public:
    PersistEventsStore(Databases databases, StreamState& events, CacheStreamWriter& caches,
                       const core::Clock& clock, EventLease& lease);

    /// Stored events carry their stream_ordering in their metadata.
    struct Persisted {
        std::vector<proto::EventPtr> events;
    };
    /// A transaction ID of the batch was used before by its device: nothing was stored.
    struct DuplicateTransaction {};
    using Outcome = std::variant<Persisted, DuplicateTransaction>;
    /// Told of the stored events after the commit and before anybody else learns of them.
    using Committed = std::function<void(const std::vector<proto::EventPtr>& events)>;

    /// Allocates tokens, stores the batch in one transaction (a batch without state is a single statement),
    /// publishes its rows. Throws LeaseLost if the room is perhaps another writer's by now, and StoreError;
    /// then nothing is stored, unless the database went away during the commit and stayed away.
    Task<Outcome> persist(PersistBatch batch, Committed committed);

    /// An invite from outside to a room that this server is not in: `local_invites` says that the user has
    /// turned it down, and it is no membership of theirs any more. Takes a token of its own, which has no
    /// row. Makes get_invited_rooms_for_local_user(user) stale, in every process. Throws as persist().
    Task<std::int64_t> reject_invite(proto::RoomId room_id, std::string user_id);

    EventLease& lease() { return lease_; }
    /// IDs for new state groups, from the database's sequence; taken in blocks, so most calls make no query.
    Task<std::int64_t> next_state_group_id();

private:
    Task<bool> store(const PersistBatch& batch, const std::vector<proto::EventPtr>& events);
    Task<void> write(const PersistBatch& batch, const std::vector<proto::EventPtr>& events);
    Task<bool> is_stored(proto::EventId event_id);

    Databases databases_;
    Database& db_;  // for everything but state groups
    StreamState& events_;
    CacheStreamWriter& caches_;
    const core::Clock& clock_;
    EventLease& lease_;
    std::vector<std::int64_t> state_group_ids_;
};

}  // namespace weft::storage
