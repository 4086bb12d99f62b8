#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weft/handlers/push_actions.hpp"
#include "weft/handlers/state_resolver.hpp"
#include "weft/proto/auth_rules.hpp"
#include "weft/proto/state_key.hpp"
#include "weft/storage/events_store.hpp"
#include "weft/storage/state_store.hpp"

namespace weft::handlers {

/// The newest point of a room, on which its writer builds the next event: cheap to copy, so that a batch which cannot be
/// stored is undone by forgetting the copy.
struct RoomHead {
    const proto::RoomVersion* version = nullptr;
    std::vector<proto::EventId> leaves;             // forward extremities, the deepest first
    std::int64_t depth = 0;                         // of the deepest leaf
    std::shared_ptr<const proto::StateMap> state = std::make_shared<const proto::StateMap>();
    std::optional<std::int64_t> state_group;        // none if the state is that of several leaves, resolved
    ResolvedStatePtr resolution;                    // then: how the state differs from a group
    std::size_t group_chain = 0;                    // how many differences lead from there to a full group
    std::shared_ptr<const LocalAudience> local_members = std::make_shared<const LocalAudience>();  // joined
    std::int64_t joined = 0;
    /// Whether the room's state stands in the tables of current state: not after the last local user left.
    bool current_state_stored = false;
    /// Where those tables differ from `state`, and what they hold: the next batch sets them right.
    std::vector<std::pair<proto::StateKey, std::optional<proto::EventId>>> current_state_errors;
};

/// Reads the heads of rooms, resolving the state where a room has several leaves.
class RoomHeadLoader {
public:
    RoomHeadLoader(storage::EventsStore& events, storage::StateStore& states, StateResolver& resolver, std::string server_name)
        : events_{events}, states_{states}, resolver_{resolver}, server_name_{std::move(server_name)} {}

    /// Throws M_NOT_FOUND for a room this server knows nothing of.
    Task<RoomHead> load(proto::RoomId room_id);
    /// The head's state, and who is joined, become what follows from these state groups: those of its leaves.
    Task<void> set_state(RoomHead& head, proto::RoomId room_id, std::vector<std::int64_t> groups);

private:
    storage::EventsStore& events_;
    storage::StateStore& states_;
    StateResolver& resolver_;
    std::string server_name_;
};

/// Keys of which the states do not say the same, with what `before` says.
std::vector<std::pair<proto::StateKey, std::optional<proto::EventId>>> state_differences(const proto::StateMap& before,
                                                                                        const proto::StateMap& after);

/// What a user is to the room's local audience after a membership event: enters, leaves, changes the name.
void apply_member(RoomHead& head, const proto::Event& event, std::string_view old_membership, const std::string& server_name);

}  // namespace weft::handlers
