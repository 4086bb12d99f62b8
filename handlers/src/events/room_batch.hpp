#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "events/room_head.hpp"
#include "weft/core/clock.hpp"
#include "weft/handlers/event_sender.hpp"
#include "weft/handlers/placed_event.hpp"
#include "weft/proto/crypto.hpp"
#include "weft/storage/persist_events_store.hpp"

namespace weft::handlers {

/// Events of one room that are about to be stored in one transaction, and the room's head on top of them.
class RoomBatch {
public:
    /// What can be undone: everything since a mark() is forgotten by rollback().
    struct Pending {
        RoomHead head;
        std::vector<storage::EventToPersist> events;
        std::vector<storage::NewStateGroup> state_groups;
        std::map<proto::StateKey, std::optional<proto::EventId>>
            changed;  // key → what the tables say before the batch
        std::map<std::string, storage::LocalMembership> local_memberships;
        std::unordered_map<proto::EventId, proto::EventPtr> by_id;
    };

    RoomBatch(proto::RoomId room_id, RoomHead head) : room_id_{std::move(room_id)}, start_{head} {
        pending_.changed.insert(head.current_state_errors.begin(), head.current_state_errors.end());
        pending_.head = std::move(head);
        pending_.head.current_state_errors.clear();
    }

    const proto::RoomId& room_id() const { return room_id_; }
    const RoomHead& head() const { return pending_.head; }
    const RoomHead& start() const { return start_; }
    Pending& pending() { return pending_; }
    Pending mark() const { return pending_; }
    void rollback(Pending to) { pending_ = std::move(to); }
    bool empty() const { return pending_.events.empty(); }
    std::size_t size() const { return pending_.events.size(); }

private:
    proto::RoomId room_id_;
    RoomHead start_;
    Pending pending_;
};

/// The ID of a room to be made: the one in the draft, or what follows from the create event. Completes the
/// drafts, so that it is the same wherever it is asked for again.
proto::RoomId place_new_room(const core::Clock& clock, const proto::RoomVersion& version,
                             const std::string& server_name, const proto::SigningKey& key,
                             std::vector<SendRequest>& requests);

/// Gives drafts their place on top of a room's head: previous events, auth events, depth, hash, signature,
/// authorization, state group, push actions.
class EventPlacer {
public:
    EventPlacer(const core::Clock& clock, storage::EventsStore& events, storage::StateStore& states,
                storage::PersistEventsStore& persist, RoomHeadLoader& heads, PushActions& push_actions,
                proto::SigningKey key, std::string server_name);

    /// Adds the requests to the batch. Throws MatrixError; the caller then rolls back.
    Task<std::vector<SendResult>> add(RoomBatch& batch, const std::vector<SendRequest>& requests);
    /// Adds an event as it is, to an empty batch. A message may be built on a point that has passed, and
    /// forks the room, whose state then follows from all its ends; a state event has to be on top of its
    /// newest point, or its sender is told to come again (M_LIMIT_EXCEEDED). Throws MatrixError.
    Task<SendResult> adopt(RoomBatch& batch, PlacedEvent placed);
    /// The batch as it is to be stored, with the changes of current state that follow from it. Updates the
    /// head.
    Task<storage::PersistBatch> finish(RoomBatch& batch);

private:
    /// What authorizes an event at the newest point of the room.
    struct Auth {
        proto::AuthLookup lookup;
        std::vector<proto::EventId> ids;
    };
    Task<Auth> auth_at_head(RoomBatch& batch, std::vector<proto::StateKey> keys);
    Task<void> check_own_auth(proto::EventPtr event);
    Task<void> merge_ends(RoomBatch& batch, proto::EventId placed, std::int64_t group);
    Task<SendResult> place(RoomBatch& batch, const SendRequest& request);
    /// The event becomes part of the batch, and a leaf.
    Task<void> take(RoomBatch& batch, storage::EventToPersist item,
                    std::shared_ptr<const proto::PowerLevels> levels);
    void change_state(RoomBatch& batch, const proto::EventPtr& event, const proto::EventPtr& replaced);
    Task<proto::EventPtr> event(RoomBatch& batch, proto::EventId id);
    Task<void> add_state(RoomBatch& batch, proto::EventPtr event, proto::EventPtr replaced);
    Task<std::vector<storage::StateChange>> current_state_changes(RoomBatch& batch);
    Task<void> add_memberships(RoomBatch& batch, std::vector<storage::StateChange>& changes);

    const core::Clock& clock_;
    storage::EventsStore& events_;
    storage::StateStore& states_;
    storage::PersistEventsStore& persist_;
    RoomHeadLoader& heads_;
    PushActions& push_actions_;
    proto::SigningKey key_;
    std::string server_name_;
};

}  // namespace weft::handlers
