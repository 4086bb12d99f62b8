#pragma once

#include <deque>
#include <optional>
#include <string>
#include <unordered_map>

#include "weft/core/background.hpp"
#include "weft/core/config.hpp"
#include "weft/handlers/user_data/push_rules.hpp"
#include "weft/storage/account_data_store.hpp"
#include "weft/storage/events_store.hpp"
#include "weft/storage/state_store.hpp"

namespace weft::handlers {

/// Takes what users have set for a room along to the room that replaces it: tags, m.direct and push rules
/// (client-server API, "Room Upgrades"). Follows the events stream in the processes that write those; what is
/// set for the new room already stays.
class UpgradedRoomSettings {
public:
    UpgradedRoomSettings(storage::EventsStore& events, storage::StateStore& states,
                         storage::AccountDataStore& account_data, PushRules& push_rules,
                         const core::Config& config, asio::any_io_executor executor);

    /// Does nothing in a process that writes neither account data nor push rules.
    void follow(storage::StreamState& events_stream);
    Task<void> stop();

private:
    /// A join or a tombstone that has not been looked at.
    struct Change {
        proto::EventId event_id;
        proto::RoomId room_id;
        bool is_tombstone = false;
    };

    void note(Change change);
    Task<void> work();
    Task<void> look_at(Change change);
    Task<void> joined(proto::EventId event_id, proto::RoomId room_id);
    Task<void> replaced(proto::EventId tombstone_id);
    Task<std::optional<proto::RoomId>> predecessor_of(proto::RoomId room_id);
    Task<bool> replaces(proto::RoomId room_id, proto::RoomId old_room);
    Task<void> take_along(std::string user_id, proto::RoomId old_room, proto::RoomId new_room);
    Task<void> take_tags(std::string user_id, std::string old_room, std::string new_room);
    Task<void> take_direct(std::string user_id, std::string old_room, std::string new_room);
    Task<void> take_push_rules(std::string user_id, std::string old_room, std::string new_room);

    storage::EventsStore& events_;
    storage::StateStore& states_;
    storage::AccountDataStore& account_data_;
    PushRules& push_rules_;
    std::string server_name_;
    bool writes_account_data_;
    bool writes_push_rules_;
    std::deque<Change> pending_;
    bool working_ = false;
    /// Of rooms that somebody came into: a create event never changes.
    std::unordered_map<proto::RoomId, std::optional<proto::RoomId>> predecessors_;
    core::BackgroundTasks tasks_;
};

/// What becomes of a user's push rule for a room when another replaces it: its ID, and the body to set it
/// with.
struct RuleForNewRoom {
    std::string rule_id;
    boost::json::object body;
};
/// None if the rule is not about the old room.
std::optional<RuleForNewRoom> rule_for_new_room(proto::PushRuleKind kind, const boost::json::object& rule,
                                                const std::string& old_room, const std::string& new_room);

}  // namespace weft::handlers
